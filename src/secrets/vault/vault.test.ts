import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { type MemoryRows, memoryRows } from '../../../test/support/vault-rows.ts'
import { masterKeyOf, open, rewrap, seal } from './envelope.ts'
import { keyPlace, lookIntoVault, openVault, type Vault } from './vault.ts'

const root = mkdtempSync(join(tmpdir(), 'vault-'))
after(() => rmSync(root, { recursive: true }))
const folder = () => mkdtempSync(join(root, 'd-'))
const now = () => 1_700_000_000_000

const opening = (dir: string, rows: MemoryRows, named?: string) => openVault({ rows, place: keyPlace(dir, named), now })
function opened(dir: string, rows: MemoryRows, named?: string): Vault {
  const answer = opening(dir, rows, named)
  assert.ok(answer.ok, answer.ok ? '' : answer.why)
  return answer.vault
}
const text = (vault: Vault, id: string): string => {
  const secret = vault.read('project', id)
  return secret.kind === 'found' ? secret.value.toString() : secret.kind
}
const write = (vault: Vault, id: string, value: string) => vault.write('project', id, Buffer.from(value), 'test')

test('what was written is read, after a restart too; names are listed, values never', () => {
  const [dir, rows] = [folder(), memoryRows()]
  const vault = opened(dir, rows)
  assert.equal(write(vault, 'a', 'first'), 1)
  assert.equal(write(vault, 'a', 'second'), 2)
  write(vault, 'b', '')
  assert.equal(text(vault, 'a'), 'second')
  const again = opened(dir, rows)
  assert.equal(text(again, 'a'), 'second')
  assert.equal(text(again, 'b'), '')
  assert.equal(text(again, 'c'), 'absent')
  const listed = { version: 2, at: now(), by: 'test' }
  assert.deepEqual(again.list('project'), [
    { ...listed, name: 'a' },
    { ...listed, name: 'b', version: 1 },
  ])
  assert.deepEqual(again.list('other'), [])
  assert.equal(again.remove('project', 'a'), true)
  assert.equal(again.remove('project', 'a'), false)
  assert.equal(text(again, 'a'), 'absent')
})

test('the master key: made once, for its owner only, and shown by nothing', () => {
  const [dir, rows] = [folder(), memoryRows()]
  const vault = opened(dir, rows)
  const file = join(dir, 'master.key')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const key = readFileSync(file, 'latin1').trim()
  const bytes = Buffer.from(key, 'base64')
  assert.equal(bytes.length, 32)
  const shown =
    inspect([vault, masterKeyOf(bytes), [...rows.table]], { depth: 9, showHidden: true }) +
    JSON.stringify([vault, masterKeyOf(bytes)])
  for (const form of [key, bytes.toString('hex'), bytes.toString('base64url')]) assert.ok(!shown.includes(form))
  assert.equal(opened(dir, rows).keyId, vault.keyId)
})

test('the table alone tells no value, and one value sealed twice looks different', () => {
  const rows = memoryRows()
  const vault = opened(folder(), rows)
  write(vault, 'a', 'the same secret value')
  write(vault, 'b', 'the same secret value')
  const [a, b] = rows.all()
  assert.ok(a && b)
  assert.notDeepEqual(a.sealed, b.sealed)
  assert.notDeepEqual(a.wrappedKey, b.wrappedKey)
  const stored = Buffer.concat(rows.all().flatMap((row) => [row.sealed, row.wrappedKey]))
  assert.ok(!stored.includes('the same secret value'))
})

test('two rows swapped, renamed or taken back do not open', () => {
  const rows = memoryRows()
  const vault = opened(folder(), rows)
  write(vault, 'a', 'of a')
  const before = rows.get('project', 'a')
  write(vault, 'a', 'of a, later')
  write(vault, 'b', 'of b')
  const [a, b] = [rows.get('project', 'a'), rows.get('project', 'b')]
  assert.ok(a && b && before)
  const put = (row: typeof a) => rows.table.set(JSON.stringify(['project', 'a']), row)
  const trials = {
    'the row of b': b,
    'the row of b under the name of a': { ...b, id: 'a' },
    'only the value of b': { ...a, sealed: b.sealed },
    'only the key of b': { ...a, wrappedKey: b.wrappedKey },
    'the value before, as the newest': { ...before, version: a.version },
    'another kind': { ...a, kind: 'own' },
    'another version': { ...a, version: 7 },
    'cut short': { ...a, sealed: a.sealed.subarray(0, 20) },
    nothing: { ...a, sealed: new Uint8Array(), wrappedKey: new Uint8Array() },
  }
  for (const [name, row] of Object.entries(trials)) {
    put(row)
    if (name === 'another kind') {
      // Asked for by its name it is what it always was.
      assert.equal(text(vault, 'a'), 'of a, later')
      continue
    }
    const secret = vault.read('project', 'a')
    assert.equal(secret.kind, 'unknown', name)
    assert.match(secret.kind === 'unknown' ? secret.why : '', /the secret a \(project\) does not open/)
  }
  put(a)
  assert.equal(text(vault, 'a'), 'of a, later')
})

test('any bit that is turned is noticed', () => {
  const master = masterKeyOf(randomBytes(32))
  const name = { kind: 'k', id: 'i', version: 1 }
  const sealed = seal(master, name, Buffer.from('value'))
  fc.assert(
    fc.property(
      fc.constantFrom('sealed', 'wrappedKey'),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (part, at, mask) => {
        const bytes = Buffer.from(sealed[part])
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ mask
        assert.equal(open(master, { ...sealed, [part]: bytes }), undefined)
      },
    ),
  )
  // Names that would be one when written one after another.
  const tricky = seal(master, { kind: 'a', id: 'b","c', version: 1 }, Buffer.from('x'))
  assert.equal(open(master, { ...tricky, kind: 'a","b', id: 'c' }), undefined)
  assert.equal(rewrap(masterKeyOf(randomBytes(32)), master, sealed), undefined)
})

test('rotation: another key, the same values, and the old key opens nothing', () => {
  const [dir, rows] = [folder(), memoryRows()]
  const vault = opened(dir, rows)
  write(vault, 'a', 'of a')
  write(vault, 'b', 'of b')
  const file = join(dir, 'master.key')
  const old = { id: vault.keyId, file: readFileSync(file), rows: rows.all() }
  const rotated = vault.rotate()
  assert.ok(rotated.ok)
  assert.equal(rotated.secrets, 2)
  assert.notEqual(vault.keyId, old.id)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(existsSync(`${file}.next`), false)
  for (const each of [vault, opened(dir, rows)]) assert.deepEqual([text(each, 'a'), text(each, 'b')], ['of a', 'of b'])
  // The values themselves were not touched.
  assert.deepEqual(
    rows.all().map((row) => row.sealed),
    old.rows.map((row) => row.sealed),
  )
  const master = masterKeyOf(Buffer.from(old.file.toString(), 'base64'))
  for (const row of rows.all()) assert.equal(open(master, row), undefined)
  writeFileSync(file, old.file)
  const refused = opening(dir, rows)
  assert.ok(!refused.ok && /holds the master key \w+, and the secrets are under \w+/.test(refused.why))
})

test('rotation cut off at any step is ended or taken back at the next start', () => {
  const cuts: readonly (readonly [string, (file: string, rows: MemoryRows, vault: Vault) => void])[] = [
    [
      'before the commit',
      (_, rows, vault) => {
        rows.onRewrite = () => {
          throw new Error('killed')
        }
        assert.throws(() => vault.rotate(), /killed/)
        rows.onRewrite = () => {}
      },
    ],
    [
      'after the commit',
      (file, _rows, vault) => {
        const before = readFileSync(file)
        assert.ok(vault.rotate().ok)
        writeFileSync(`${file}.next`, readFileSync(file), { mode: 0o600 })
        writeFileSync(file, before)
      },
    ],
    [
      'after everything, a key of an earlier trial beside it',
      (file, _rows, vault) => {
        assert.ok(vault.rotate().ok)
        writeFileSync(`${file}.next`, randomBytes(32).toString('base64'), { mode: 0o600 })
      },
    ],
  ]
  for (const [name, cut] of cuts) {
    const [dir, rows] = [folder(), memoryRows()]
    const vault = opened(dir, rows)
    write(vault, 'a', 'of a')
    cut(join(dir, 'master.key'), rows, vault)
    const again = opened(dir, rows)
    assert.equal(text(again, 'a'), 'of a', name)
    assert.equal(existsSync(join(dir, 'master.key.next')), false, name)
    assert.equal(text(opened(dir, rows), 'a'), 'of a', name)
  }
})

test('rotation with a secret that does not open changes nothing', () => {
  const [dir, rows] = [folder(), memoryRows()]
  const vault = opened(dir, rows)
  write(vault, 'a', 'of a')
  write(vault, 'b', 'of b')
  const b = rows.get('project', 'b')
  assert.ok(b)
  rows.put({ ...b, sealed: randomBytes(40) })
  const rotated = vault.rotate()
  assert.ok(!rotated.ok && /the secret b \(project\) does not open/.test(rotated.why))
  assert.equal(text(opened(dir, rows), 'a'), 'of a')
})

test('a lost or wrong master key stops the start, and none is made in its place', () => {
  const [dir, rows] = [folder(), memoryRows()]
  const vault = opened(dir, rows)
  write(vault, 'a', 'of a')
  const file = join(dir, 'master.key')
  const key = readFileSync(file)
  rmSync(file)
  const lost = opening(dir, rows)
  assert.ok(!lost.ok && /there is no master key at .*, and the secrets are under/.test(lost.why))
  assert.equal(existsSync(file), false)
  const wrong: readonly (readonly [string | Buffer, number, RegExp])[] = [
    ['', 0o600, /holds no master key/],
    ['short', 0o600, /holds no master key/],
    [randomBytes(32), 0o600, /holds no master key/],
    [`${'A'.repeat(43)}=\nmore`, 0o600, /holds no master key/],
    [key, 0o640, /can be read by other users/],
    [randomBytes(32).toString('base64'), 0o600, /holds the master key/],
  ]
  for (const [content, mode, why] of wrong) {
    writeFileSync(file, content)
    chmodSync(file, mode)
    const answer = opening(dir, rows)
    assert.ok(!answer.ok && why.test(answer.why), answer.ok ? 'opened' : answer.why)
  }
})

test('a key that lies elsewhere: a file that the operator made, or a file descriptor', () => {
  const [dir, rows] = [folder(), memoryRows()]
  const elsewhere = join(folder(), 'key')
  const absent = opening(dir, rows, elsewhere)
  assert.ok(!absent.ok && /there is no master key at .*; make one: openssl rand -base64 32/.test(absent.why))
  writeFileSync(elsewhere, `${randomBytes(32).toString('base64')}\n`, { mode: 0o400 })
  write(opened(dir, rows, elsewhere), 'a', 'of a')
  assert.equal(existsSync(join(dir, 'master.key')), false)
  const fd = openSync(elsewhere, 'r')
  const vault = opened(dir, rows, `fd:${fd}`)
  closeSync(fd)
  assert.equal(text(vault, 'a'), 'of a')
  const rotated = vault.rotate()
  assert.ok(!rotated.ok && /file descriptor/.test(rotated.why))
  assert.ok(!opening(dir, rows, 'fd:999').ok)
})

test('a look from outside reads, also in the middle of a rotation, and changes nothing', () => {
  const [dir, rows] = [folder(), memoryRows()]
  const place = keyPlace(dir, undefined)
  const look = () => lookIntoVault({ rows, place })
  const seen = (id: string): string => {
    const looked = look()
    if (!looked.ok) return looked.why
    const secret = looked.read('project', id)
    return secret.kind === 'found' ? secret.value.toString() : secret.kind
  }
  assert.equal(seen('a'), 'absent')
  assert.equal(existsSync(place.file), false, 'no key is made')
  const vault = opened(dir, rows)
  write(vault, 'a', 'value')
  assert.deepEqual([seen('a'), seen('b')], ['value', 'absent'])
  // Killed after the secrets were wrapped in the next key: the next start ends it, not somebody who looks.
  const before = readFileSync(place.file)
  assert.ok(vault.rotate().ok)
  const next = readFileSync(place.file)
  writeFileSync(place.file, before, { mode: 0o600 })
  writeFileSync(`${place.file}.next`, next, { mode: 0o600 })
  assert.equal(seen('a'), 'value')
  assert.deepEqual([readFileSync(place.file), readFileSync(`${place.file}.next`)], [before, next])
  rmSync(`${place.file}.next`)
  assert.match(seen('a'), /holds the master key [0-9a-f]{16}, and the secrets are under/)
  rmSync(place.file)
  assert.match(seen('a'), /there is no master key at/)
})
