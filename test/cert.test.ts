import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setDesk } from './support/desk.ts'
import { runCauseway } from './support/gateway.ts'
import { asAuthority, makeCertificate, openssl } from './support/openssl.ts'

const dir = mkdtempSync(join(tmpdir(), 'cert-'))
after(() => rmSync(dir, { recursive: true }))
const file = (name: string) => join(dir, name)
makeCertificate(dir, 'root', { subject: '/CN=Root', extensions: asAuthority })
const extensions = ['subjectAltName=DNS:contoso.example', 'extendedKeyUsage=serverAuth']
makeCertificate(dir, 'leaf', { subject: '/CN=contoso.example', ca: 'root', key: 'rsa:2048', days: 90, extensions })
writeFileSync(file('password'), 'a password\n')
const parts = ['-inkey', 'leaf.key', '-in', 'leaf.crt', '-name', 'Contoso', '-passout', 'file:password']
openssl(dir, 'pkcs12', '-export', '-legacy', ...parts, '-out', 'leaf.pfx')

const check = (...args: readonly string[]) => runCauseway(['cert', 'check', ...args])
const right = [file('leaf.pfx'), '--password-file', file('password'), '--ca', file('root.crt')]

test('cert check: a table with what to do, and exit code 0 when nothing fails', async () => {
  const said = await check(...right, '--domain', 'contoso.example')
  assert.equal(said.code, 0, said.err)
  assert.match(said.out, /^VERDICT +POINT +WHAT WAS FOUND\nPASS +file +PFX with a password\nWARNING +encryption/)
  assert.match(said.out, /^WARNING +purposes +server authentication only/m)
  assert.match(said.out, /\n\nencryption: Export it again with AES-256/)
})

test('cert check: exit code 1 when a point fails, in JSON too', async () => {
  const said = await check(...right, '--domain', 'fabrikam.example', '--until', '2099-12-31', '--json')
  assert.equal(said.code, 1, said.err)
  const { ok, points } = JSON.parse(said.out) as { ok: boolean; points: { point: string; verdict: string }[] }
  assert.equal(ok, false)
  const failed = points.filter(({ verdict }) => verdict === 'failure').map(({ point }) => point)
  assert.deepEqual(failed, ['accepted domain', 'project'])
  const wrong = await check(file('leaf.pfx'))
  assert.equal(wrong.code, 1)
  assert.match(wrong.out, /FAILURE +file +cannot be opened: the password is wrong/)
})

test('cert check: exit code 2 for wrong usage', async () => {
  const wrong = [
    [file('gone.pfx')],
    [...right, '--until', 'tomorrow'],
    [...right, '--until', '2027-02-30'],
    [...right, '--domain', 'not a domain'],
    [file('leaf.pfx'), '--ca', file('password')],
    [],
  ]
  for (const args of wrong) {
    const said = await check(...args)
    assert.equal(said.code, 2, `${args.join(' ')}: ${said.out}${said.err}`)
  }
})

test('health warns of a certificate of the project that runs out', async () => {
  await using stage = await setDesk()
  writeFileSync(join(stage.dir, 'gw.crt'), readFileSync(file('leaf.crt')))
  writeFileSync(join(stage.dir, 'gw.key'), readFileSync(file('leaf.key')))
  const project = join(stage.dir, 'project.yaml')
  const tls = '$&\n  tls: { cert: gw.crt, key: gw.key }'
  writeFileSync(project, readFileSync(project, 'utf8').replace(/hostname: gw\.example\.net/, tls))
  assert.equal((await stage.ask('PUT', '/v1/project', { file: project })).status, 200)
  const end = new X509Certificate(readFileSync(file('leaf.crt'))).validToDate
  const about = async (daysBefore: number): Promise<string> => {
    stage.pass(end.getTime() - daysBefore * 24 * 3_600_000 - stage.desk.now().getTime())
    const { warnings } = (await stage.ask('GET', '/v1/health')).json as { warnings: { about: string; text: string }[] }
    return warnings.flatMap((w) => (w.about === 'gateway.tls' ? [w.text] : [])).join()
  }
  assert.equal(await about(40), '')
  assert.match(await about(10), /the certificate "CN=contoso\.example" of gateway\.tls expires on .*, 10 days from now/)
  assert.match(await about(-3), / expired on /)
})
