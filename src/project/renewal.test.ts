import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { issue, makeCa } from '../../test/support/certificates.ts'
import { memoryRows } from '../../test/support/vault-rows.ts'
import { keyPlace, openVault } from '../secrets/vault/vault.ts'
import { openStore } from '../store/store.ts'
import { loadProjectText, openLiveProject, problemText, secretPlaces, watchFiles } from './project.ts'

const root = mkdtempSync(join(tmpdir(), 'renewal-'))
after(() => rmSync(root, { recursive: true }))
const ca = makeCa({ name: 'Root' })
const day = 24 * 3_600_000

function stage(secret = 'one.secret') {
  const dir = mkdtempSync(join(root, 'd-'))
  const write = (name: string, content: string) => writeFileSync(join(dir, name), content)
  const put = (name: string) => {
    const { cert, key } = issue({ ca, names: [name] })
    write(`${name}.crt`, cert)
    write(`${name}.key`, key)
    return new X509Certificate(cert).fingerprint256
  }
  const first = put('gw.example.net')
  write('one.secret', 'the first secret value\n')
  const yaml = `name: p
gateway: { hostname: gw.example.net, tls: { cert: gw.example.net.crt, key: gw.example.net.key } }
tenants:
  - { name: one, kind: smtp, domains: [one.example], from: { secret: { header: X-Key, valueFile: "${secret}" } }, to: { host: mx.example } }
directory:
  - { internal: john@one.example, external: john@shared.example }
domains: [{ name: shared.example }]
`
  const vault = openVault({ rows: memoryRows(), place: keyPlace(dir, undefined), now: Date.now })
  assert.ok(vault.ok)
  const secrets = (name: string) => vault.vault.read('project', name)
  const opened = openStore(join(dir, 'data'))
  assert.ok(opened.ok)
  after(() => opened.db.close())
  const live = openLiveProject(opened.db, Date.now, secrets)
  const load = () => loadProjectText(Buffer.from(yaml), join(dir, 'p.yaml'), secrets)
  return { dir, write, put, first, live, load, vault: vault.vault, db: opened.db, secrets }
}

/** The clock stands where nothing runs out within a month. */
function watched(s: ReturnType<typeof stage>, clock = { at: Date.now() - 15 * day }) {
  const loaded = s.load()
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(problemText).join('\n'))
  s.live.adopt(loaded.value, 'test')
  const told: string[] = []
  const watch = watchFiles({
    live: s.live,
    now: () => new Date(clock.at),
    onRenewed: (files) => told.push(`renewed ${files.map((file) => file.slice(s.dir.length + 1)).join(' ')}`),
    onTrouble: (why) => told.push(`trouble ${why}`),
    onExpiring: ({ place, stage: at }) => told.push(`${at} ${place}`),
    everyMs: 1_000_000,
  })
  after(() => watch.close())
  const look = (): string[] => {
    told.length = 0
    watch.look()
    return [...told]
  }
  const shown = () => new X509Certificate(s.live.current()?.gateway.tls?.cert ?? '').fingerprint256
  return { look, shown, told }
}

test('a renewed certificate is taken, and those who want to know are told', () => {
  const s = stage()
  const { look, shown } = watched(s)
  let changes = 0
  s.live.onChange(() => (changes += 1))
  assert.equal(shown(), s.first)
  assert.deepEqual(look(), [])
  const renewed = s.put('gw.example.net')
  assert.deepEqual(look(), ['renewed gw.example.net.crt gw.example.net.key'])
  assert.equal(shown(), renewed)
  assert.equal(changes, 1)
  assert.deepEqual(look(), [])
})

test('a certificate without its key yet: the pair before stays, until both are there', () => {
  const s = stage()
  const { look, shown } = watched(s)
  const { cert, key } = issue({ ca, names: ['gw.example.net'] })
  s.write('gw.example.net.crt', cert)
  assert.match(look().join(), /^trouble .*do not belong together/)
  // Told once, tried each time.
  assert.deepEqual(look(), [])
  assert.equal(shown(), s.first)
  s.write('gw.example.net.key', key)
  assert.deepEqual(look(), ['renewed gw.example.net.crt gw.example.net.key'])
  assert.equal(shown(), new X509Certificate(cert).fingerprint256)
})

test('a file that is gone, or was cut short, changes nothing', () => {
  const s = stage()
  const { look, shown } = watched(s)
  s.write('gw.example.net.crt', '')
  assert.match(look().join(), /^trouble /)
  rmSync(join(s.dir, 'gw.example.net.crt'))
  assert.match(look().join(), /^trouble .*does not exist/)
  assert.equal(shown(), s.first)
})

test('a link that points elsewhere now, as certbot moves them', () => {
  const s = stage()
  for (const version of ['1', '2']) mkdirSync(join(s.dir, version))
  for (const end of ['crt', 'key']) {
    renameSync(join(s.dir, `gw.example.net.${end}`), join(s.dir, '1', end))
    symlinkSync(join('1', end), join(s.dir, `gw.example.net.${end}`))
  }
  const { look, shown } = watched(s)
  const { cert, key } = issue({ ca, names: ['gw.example.net'] })
  s.write('2/crt', cert)
  s.write('2/key', key)
  for (const end of ['crt', 'key']) {
    symlinkSync(join('2', end), join(s.dir, `new-${end}`))
    renameSync(join(s.dir, `new-${end}`), join(s.dir, `gw.example.net.${end}`))
  }
  assert.match(look().join(), /^renewed/)
  assert.equal(shown(), new X509Certificate(cert).fingerprint256)
})

test('secrets are read again too; the directory and what was changed by command stay', () => {
  const s = stage()
  const { look } = watched(s)
  assert.equal(s.live.current()?.table.size, 1)
  const before = s.live.current()
  s.write('one.secret', 'the second secret value\n')
  assert.deepEqual(look(), ['renewed one.secret'])
  const now = s.live.current()
  assert.equal(now?.tenants[0]?.from.secret?.value, 'the second secret value')
  assert.equal(now?.table, before?.table)
  assert.equal(now?.document, before?.document)
})

test('another project that is applied is no renewal', () => {
  const s = stage()
  const { look } = watched(s)
  s.put('gw.example.net')
  const loaded = s.load()
  assert.ok(loaded.ok)
  s.live.adopt(loaded.value, 'test')
  assert.deepEqual(look(), [])
})

test('what expires is told once at each stage, and every day at the end', () => {
  const clock = { at: Date.now() - 15 * day }
  const s = stage()
  const { look, told } = watched(s, clock)
  assert.deepEqual(told, [])
  const at = (days: number): string => {
    clock.at = Date.now() + days * day - 60_000
    return look().join()
  }
  assert.equal(at(-5), '30 gateway.tls')
  assert.equal(at(-4), '')
  assert.equal(at(6), '14 gateway.tls')
  assert.equal(at(13), '7 gateway.tls')
  assert.equal(at(14), '')
  assert.equal(at(19), '1 gateway.tls')
  assert.equal(at(21), '0 gateway.tls')
  assert.equal(at(21), '')
  assert.equal(at(22), '0 gateway.tls')
  s.put('gw.example.net')
  assert.match(look().join(), /^renewed gw/)
})

test('a secret of the vault in the place of a file', () => {
  const s = stage('vault:one')
  const said = () => {
    const loaded = s.load()
    return loaded.ok ? 'loads' : loaded.problems.map(problemText).join('\n')
  }
  assert.match(said(), /is the secret "one", which is not in the vault\.\n +Put it there: causeway secret set one/)
  s.vault.write('project', 'one', Buffer.from('short'), 'test')
  assert.match(said(), /only 5 characters/)
  s.vault.write('project', 'one', Buffer.from('a value of the vault\n'), 'test')
  const loaded = s.load()
  assert.ok(loaded.ok)
  s.live.adopt(loaded.value, 'test')
  assert.equal(s.live.current()?.tenants[0]?.from.secret?.value, 'a value of the vault')
  assert.deepEqual([...secretPlaces(loaded.value)], [['one', ['tenants.one.from.secret.valueFile']]])
  // A new value is there at once for who asks, and after a restart.
  s.vault.write('project', 'one', Buffer.from('another value of the vault'), 'test')
  assert.ok(s.live.reread().ok)
  assert.equal(s.live.current()?.tenants[0]?.from.secret?.value, 'another value of the vault')
  const again = openLiveProject(s.db, Date.now, s.secrets)
  assert.equal(again.current()?.tenants[0]?.from.secret?.value, 'another value of the vault')
})

test('without a vault at hand vault:NAME is refused with what to do, except for a key', () => {
  const load = (yaml: string) => {
    const loaded = loadProjectText(Buffer.from(yaml), join(root, 'p.yaml'))
    return loaded.ok ? '' : loaded.problems.map(problemText).join('\n')
  }
  const tenant =
    '{ name: one, kind: smtp, domains: [one.example], from: { addresses: [192.0.2.1] }, to: { host: mx.example } }'
  const withPfx = tenant.replace('mx.example', 'mx.example, certificate: { pfx: "vault:a", passwordFile: "vault:b" }')
  const text = load(`name: p\ngateway: { hostname: gw.example.net }\ntenants: [${withPfx}]\n`)
  assert.match(text, /is the secret "a", which only the gateway that keeps it can read/)
  const dkim = 'domains: [{ name: shared.example, dkim: { selector: cw1, keyFile: "vault:c" } }]'
  assert.equal(load(`name: p\ngateway: { hostname: gw.example.net }\ntenants: [${tenant}]\n${dkim}\n`), '')
})
