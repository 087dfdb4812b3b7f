/** Keys in the vault as an operator meets them: made, moved, rotated, brought in, never shown. */
import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type DeskStage, setDesk } from '../../test/support/desk.ts'
import { projectText, type ServedDomain, servedDomain } from '../project/project.ts'
import { dkimRecord, readDkimKey } from '../secrets/secrets.ts'
import type { Desk } from './desk.ts'
import { prepareKeys, rotateKey } from './dkim-keys.ts'
import { keyVault } from './keys.ts'

const name = 'shared.example'

/** The project with this under the domain, and a DNS that holds what a test puts there. */
async function stageWith(dkim: string) {
  const stage = await setDesk()
  const file = join(stage.dir, 'project.yaml')
  const yaml = readFileSync(file, 'utf8').replace(/dkim: \{ selector: cw1, keyFile: [^}]*\}/, `dkim: ${dkim}`)
  assert.ok(yaml.includes(dkim))
  writeFileSync(file, yaml)
  const applied = await stage.ask('PUT', '/v1/project', { file })
  assert.equal(applied.status, 200, applied.text)
  const dns = new Map<string, string>()
  const txt: Desk['resolver']['txt'] = async (owner) => {
    const value = dns.get(owner)
    return value === undefined ? { kind: 'absent' } : { kind: 'found', value: [value] }
  }
  const desk: Desk = { ...stage.desk, resolver: { ...stage.desk.resolver, txt } }
  return {
    ...stage,
    desk,
    dns,
    served: () => served(desk),
    names: () => desk.vault.list('project').map((one) => one.name),
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  }
}

function served({ live }: Pick<Desk, 'live'>): ServedDomain {
  const project = live.current()
  const found = project && servedDomain(project, name)
  assert.ok(found)
  return found
}

/** How the domain stands in the file that an export would give. */
const exported = ({ desk }: Pick<DeskStage, 'desk'>): string => {
  const project = desk.live.current()
  return project === undefined
    ? ''
    : (/ +dkim:\n(?: {6,}.*\n)+/.exec(projectText(project))?.[0] ?? '').replaceAll(/\s+/g, ' ')
}

test('without keyFile a key is made in the vault, and only its record is shown', async () => {
  await using stage = await stageWith('{ selector: cw1, ed25519: { selector: cw2 } }')
  const made = await stage.ask('POST', `/v1/dkim/${name}`)
  assert.deepEqual(
    made.json.records.map((r: { name: string; isNew: boolean }) => [r.name, r.isNew]),
    [
      [`cw1._domainkey.${name}`, true],
      [`cw2._domainkey.${name}`, true],
    ],
  )
  assert.deepEqual(stage.names(), [`dkim/${name}/cw1`, `dkim/${name}/cw2`])
  const list = await stage.ask('GET', '/v1/secrets')
  assert.deepEqual(
    list.json.secrets.map((s: { places: string[] }) => s.places),
    [[`domains.${name}.dkim.keyFile`], [`domains.${name}.dkim.ed25519.keyFile`]],
  )
  const project = await stage.ask('GET', '/v1/project')
  assert.doesNotMatch(project.text, /keyFile|vault:dkim/)
  assert.equal((await stage.ask('DELETE', `/v1/secrets/dkim%2F${name}%2Fcw1`)).status, 409)
  const shown = await stage.ask('GET', '/v1/dkim')
  const answers = [made, list, project, shown, await stage.ask('GET', '/v1/audit')].map((a) => a.text).join()
  const kept = keyVault(stage.desk.vault).read(`dkim/${name}/cw1`)
  assert.ok(kept.kind === 'found')
  const { d = '' } = createPrivateKey(kept.value).export({ format: 'jwk' })
  assert.ok(
    !answers.includes('PRIVATE KEY') &&
      !answers.includes(d.slice(3, 40)) &&
      !answers.includes(String(kept.value).slice(100, 140)),
  )
})

test('where DNS has another key under the selector, the new key goes along to the next one', async () => {
  await using stage = await stageWith('{ selector: cw1, ed25519: { selector: e1 } }')
  const vault = keyVault(stage.desk.vault)
  // Of an earlier rotation, say: it is not to be taken for this one.
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  vault.keep(`dkim/${name}/cw2`, Buffer.from(other.export({ type: 'pkcs8', format: 'pem' })))
  for (const selector of ['cw1', 'e1']) stage.dns.set(`${selector}._domainkey.${name}`, 'v=DKIM1; p=AAAA')
  const { records } = await prepareKeys(stage.desk, stage.served())
  assert.deepEqual(
    records.map((r) => r.selector),
    ['cw3', 'e2'],
  )
  assert.match(exported(stage), /dkim: selector: cw3 ed25519: selector: e2 $/)
  assert.deepEqual(stage.names(), [`dkim/${name}/cw2`, `dkim/${name}/cw3`, `dkim/${name}/e2`])
  const key = readDkimKey(`vault:dkim/${name}/cw3`, 'rsa', { create: false, vault })
  assert.equal(key.kind === 'found' && dkimRecord(key.key), records[0]?.text)
  const again = await prepareKeys(stage.desk, stage.served())
  assert.deepEqual(
    again.records.map((r) => [r.selector, r.isNew]),
    [
      ['cw3', false],
      ['e2', false],
    ],
  )
})

test('rotation of both keys stays in the vault, keeps clear of the other key, and signs once both records are there', async () => {
  await using stage = await stageWith('{ selector: cw1, ed25519: { selector: cw2 } }')
  await prepareKeys(stage.desk, stage.served())
  const first = await rotateKey(stage.desk, stage.served())
  assert.match(first.notes.join(), /publish these records.*until then cw1 and cw2 sign$/)
  assert.deepEqual(
    first.records.map((r) => [r.selector, r.text.includes('k=ed25519')]),
    [
      ['cw3', false],
      ['cw4', true],
    ],
  )
  const [rsa, ed25519] = first.records
  stage.dns.set(rsa?.name ?? '', rsa?.text ?? '')
  const half = await rotateKey(stage.desk, stage.served())
  assert.match(half.notes.join(), /publish the record of cw4, .*until then cw1 and cw2 sign$/)
  assert.match(exported(stage), /dkim: selector: cw1 ed25519: selector: cw2 $/)
  stage.dns.set(ed25519?.name ?? '', ed25519?.text ?? '')
  const second = await rotateKey(stage.desk, stage.served())
  assert.deepEqual(
    second.records.map((r) => [r.selector, r.isNew]),
    [
      ['cw3', false],
      ['cw4', false],
    ],
  )
  for (const [next, old] of ['cw3 cw1', 'cw4 cw2'].map((pair) => pair.split(' ')))
    assert.match(
      second.notes.join(),
      new RegExp(`${next} signs from now on.*causeway secret remove dkim/${name}/${old}`),
    )
  const { dkim } = stage.served()
  assert.equal(dkim?.keyFile, `vault:dkim/${name}/cw3`)
  assert.equal(dkim.ed25519?.keyFile, `vault:dkim/${name}/cw4`)
  assert.match(exported(stage), /dkim: selector: cw3 ed25519: selector: cw4 $/)
  for (const old of ['cw1', 'cw2'])
    assert.equal((await stage.ask('DELETE', `/v1/secrets/dkim%2F${name}%2F${old}`)).status, 200)
})

test('rotation of an Ed25519 key in a file makes a file beside it', async () => {
  await using stage = await stageWith('{ selector: cw1, ed25519: { selector: e1, keyFile: e1.key } }')
  await prepareKeys(stage.desk, stage.served())
  for (const record of (await rotateKey(stage.desk, stage.served())).records) stage.dns.set(record.name, record.text)
  await rotateKey(stage.desk, stage.served())
  assert.match(exported(stage), /dkim: selector: cw2 ed25519: selector: e2 keyFile: e1\.e2\.key $/)
  const key = readDkimKey(join(stage.dir, 'e1.e2.key'), 'ed25519', { create: false, vault: keyVault(stage.desk.vault) })
  assert.equal(key.kind, 'found')
})

test('a key under a name of its own is rotated to the name of its record, which the project then has', async () => {
  await using stage = await stageWith('{ selector: cw1, keyFile: "vault:mine" }')
  await prepareKeys(stage.desk, stage.served())
  assert.deepEqual(stage.names(), ['mine'])
  const [record] = (await rotateKey(stage.desk, stage.served())).records
  stage.dns.set(record?.name ?? '', record?.text ?? '')
  await rotateKey(stage.desk, stage.served())
  assert.match(exported(stage), new RegExp(`dkim: selector: cw2 keyFile: vault:dkim/${name}/cw2 $`))
})

test('a key is brought in as a secret, and what cannot sign is refused', async () => {
  await using stage = await stageWith('{ selector: cw1 }')
  await prepareKeys(stage.desk, stage.served())
  const put = (key: Buffer, at = `dkim%2F${name}%2Fcw1`) =>
    stage.ask('PUT', `/v1/secrets/${at}`, { value: key.toString('base64') })
  const pem = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey
  const file = (key: ReturnType<typeof pem>) => Buffer.from(key.export({ type: 'pkcs1', format: 'pem' }))
  const mine = pem(2048)
  assert.equal((await put(file(mine))).status, 200)
  const shown = await stage.ask('GET', '/v1/dkim')
  assert.equal(shown.json.records[0].text, dkimRecord(mine))
  for (const at of [`dkim%2F${name}%2Fcw1`, 'dkim%2Fnot.used.yet%2Fcw1'])
    for (const [key, why] of [
      [file(pem(1024)), /1024 bits, and 2048 are the least/],
      [Buffer.from('no key'), /not a private key in PEM form/],
    ] as const) {
      const refused = await put(key, at)
      assert.equal(refused.status, 409)
      assert.match(refused.text, why)
    }
  const ed = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
  const wrongKind = await put(Buffer.from(ed))
  assert.equal(wrongKind.status, 409)
  assert.match(wrongKind.text, /kind ed25519, not rsa/)
  assert.equal((await stage.ask('GET', '/v1/dkim')).json.records[0].text, dkimRecord(mine))
})
