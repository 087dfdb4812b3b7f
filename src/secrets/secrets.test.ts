import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { memoryRows } from '../../test/support/vault-rows.ts'
import {
  type AskTxt,
  dkimKey,
  dkimRecord,
  freeSelector,
  passKey,
  readDkimKey,
  recordParts,
  zoneLine,
} from './secrets.ts'
import { keyPlace, openVault, type Vault } from './vault/vault.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-secrets-'))
after(() => rmSync(root, { recursive: true }))
const create = { create: true }

function mode(file: string): number {
  return statSync(file).mode & 0o777
}

describe('a DKIM key', () => {
  test('is made on first use, for its owner only, and found again', () => {
    const file = join(root, 'new/folder/shared.key')
    assert.equal(dkimKey(file, 'rsa', { create: false }), undefined)
    const made = dkimKey(file, 'rsa', create)
    assert.equal(made?.created, true)
    assert.equal(mode(file), 0o600)
    assert.equal(made?.key.asymmetricKeyDetails?.modulusLength, 2048)
    assert.match(readFileSync(file, 'latin1'), /^-----BEGIN PRIVATE KEY-----\n/)
    const again = dkimKey(file, 'rsa', create)
    assert.equal(again?.created, false)
    assert.ok(again?.key.equals(made.key))
    assert.deepEqual(readdirSync(join(root, 'new/folder')), ['shared.key'])
  })

  test('is parsed once while its file stays the same', () => {
    const file = join(root, 'cached.key')
    dkimKey(file, 'ed25519', create)
    const first = dkimKey(file, 'ed25519', create)?.key
    assert.equal(dkimKey(file, 'ed25519', create)?.key, first)
    utimesSync(file, 1, 1)
    assert.notEqual(dkimKey(file, 'ed25519', create)?.key, first)
  })

  test('is one, though several processes start at once', async () => {
    const file = join(root, 'race.key')
    const door = JSON.stringify(new URL('./secrets.ts', import.meta.url).href)
    const code = `import(${door}).then(({ dkimKey, dkimRecord }) => {
      const { key, created } = dkimKey(${JSON.stringify(file)}, 'ed25519', { create: true })
      console.log(created, dkimRecord(key))
    })`
    const starts = Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, ['-e', code]))
    const said = (await Promise.all(starts)).map(({ stdout }) => stdout.trim())
    assert.equal(said.filter((line) => line.startsWith('true')).length, 1, said.join('\n'))
    assert.equal(new Set(said.map((line) => line.replace(/^\w+ /, ''))).size, 1, said.join('\n'))
  })

  test('of the wrong type, size or form is refused with a sentence', () => {
    const write = (name: string, content: string | Buffer): string => {
      writeFileSync(join(root, name), content, { mode: 0o600 })
      return join(root, name)
    }
    const pem = (bits: number): string | Buffer =>
      generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    const wrong = write('ed.key', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }))
    assert.throws(() => dkimKey(wrong, 'rsa', create), /is a key of the kind ed25519, not rsa/)
    assert.throws(() => dkimKey(write('weak.key', pem(512)), 'rsa', create), /512 bits/)
    assert.throws(() => dkimKey(write('text.key', 'hello'), 'rsa', create), /not a private key in PEM form/)
    assert.throws(() => dkimKey(root, 'rsa', create), /is not a file/)
    const small = readDkimKey(write('small.key', pem(1024)), 'rsa', create)
    assert.ok(small.kind === 'found' && /only 1024 bits/.test(small.warnings.join()))
    assert.equal(readFileSync(join(root, 'text.key'), 'latin1'), 'hello')
  })

  test('that others can read is warned of', () => {
    const file = join(root, 'open.key')
    assert.deepEqual(dkimKey(file, 'ed25519', create)?.warnings, [])
    chmodSync(file, 0o640)
    assert.match(dkimKey(file, 'ed25519', create)?.warnings.join() ?? '', /chmod 600/)
  })
})

describe('the DNS record', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ed25519 = generateKeyPairSync('ed25519')

  test('of RSA holds the whole public key', () => {
    const record = dkimRecord(rsa.privateKey)
    assert.equal(record, dkimRecord(rsa.publicKey))
    const der = Buffer.from(/^v=DKIM1; k=rsa; p=(\S+)$/.exec(record)?.[1] ?? '', 'base64')
    assert.ok(createPublicKey({ key: der, format: 'der', type: 'spki' }).equals(rsa.publicKey))
  })

  test('of Ed25519 holds its 32 bytes', () => {
    const bytes = Buffer.from(/p=(\S+)$/.exec(dkimRecord(ed25519.privateKey))?.[1] ?? '', 'base64')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, format: 'jwk' })
    assert.ok(verify(null, Buffer.from('x'), key, sign(null, Buffer.from('x'), ed25519.privateKey)))
  })

  test('is split at 255 bytes in a zone file', () => {
    const record = dkimRecord(rsa.privateKey)
    assert.deepEqual(
      recordParts(record).map((part) => part.length),
      [255, record.length - 255],
    )
    assert.equal(recordParts(record).join(''), record)
    const line = zoneLine('cw1._domainkey.shared.example', record)
    assert.match(line, /^cw1\._domainkey\.shared\.example\. IN TXT "[^"]{255}" "[^"]+"$/)
    assert.equal(zoneLine('a.example.', 'say "\\"'), 'a.example. IN TXT "say \\"\\\\\\""')
    assert.deepEqual(recordParts(''), [''])
    assert.equal(recordParts('x'.repeat(255)).length, 1)
  })
})

describe('a selector', () => {
  const key = generateKeyPairSync('ed25519').privateKey
  const other = dkimRecord(generateKeyPairSync('ed25519').privateKey)
  const zone = (records: Record<string, readonly string[]>): AskTxt => {
    return (name) => {
      const value = records[name.replace('._domainkey.shared.example', '')]
      return Promise.resolve(value === undefined ? { kind: 'absent' } : { kind: 'found', value })
    }
  }

  test('that is free is taken as it is', async () => {
    const free = await freeSelector(zone({}), 'shared.example', 'cw1', key)
    assert.deepEqual(free, { kind: 'found', selector: 'cw1', isPublished: false })
  })

  test('with another key is passed over, also a revoked one', async () => {
    const used = zone({ cw1: [other], cw2: ['v=DKIM1; p='], cw9: [other], plain: [other] })
    const selectorFor = async (wanted: string): Promise<string> => {
      const answer = await freeSelector(used, 'shared.example', wanted, key)
      return answer.kind === 'found' ? answer.selector : answer.why
    }
    assert.equal(await selectorFor('cw1'), 'cw3')
    assert.equal(await selectorFor('cw9'), 'cw10')
    assert.equal(await selectorFor('plain'), 'plain2')
  })

  test('with this very key is fine, however it is spelled', async () => {
    const published = zone({ cw1: [dkimRecord(key).replace('p=', 'n=x;  p = ').replace(/.{6}$/, ' $&')] })
    const answer = await freeSelector(published, 'shared.example', 'cw1', key)
    assert.deepEqual(answer, { kind: 'found', selector: 'cw1', isPublished: true })
  })

  test('is unknown while DNS is, or when everything is answered', async () => {
    const down: AskTxt = () => Promise.resolve({ kind: 'unknown', why: 'timeout' })
    assert.deepEqual(await freeSelector(down, 'shared.example', 'cw1', key), { kind: 'unknown', why: 'timeout' })
    const wildcard: AskTxt = () => Promise.resolve({ kind: 'found', value: [other] })
    const answer = await freeSelector(wildcard, 'shared.example', 'cw1', key)
    assert.ok(answer.kind === 'unknown' && /wildcard/.test(answer.why))
  })
})

function vaultIn(dir: string): Vault {
  const opened = openVault({ rows: memoryRows(), place: keyPlace(dir, undefined), now: Date.now })
  assert.ok(opened.ok)
  return opened.vault
}

describe('the secrets of the data folder', () => {
  const dataDir = join(root, 'data')

  test('the key of the pass lies in the vault, and one from before the vault is taken over', () => {
    const vault = vaultIn(dataDir)
    const old = Buffer.alloc(32, 7)
    const file = join(dataDir, 'pass.key')
    writeFileSync(file, old, { mode: 0o600 })
    assert.deepEqual(passKey(vault, dataDir), { ok: true, key: old })
    assert.equal(existsSync(file), false)
    // Killed between the two steps: what lies in the vault counts, the file goes.
    writeFileSync(file, Buffer.alloc(32, 8), { mode: 0o600 })
    assert.deepEqual(passKey(vault, dataDir), { ok: true, key: old })
    assert.equal(existsSync(file), false)
  })

  test('a key of the pass that others could read, or none, is made anew', () => {
    for (const [content, bits] of [
      [Buffer.alloc(32, 7), 0o604],
      [Buffer.from('short'), 0o600],
    ] as const) {
      writeFileSync(join(dataDir, 'pass.key'), content)
      chmodSync(join(dataDir, 'pass.key'), bits)
      const answer = passKey(vaultIn(dataDir), dataDir)
      assert.ok(answer.ok && answer.key.length === 32 && !answer.key.equals(Buffer.alloc(32, 7)))
      assert.equal(existsSync(join(dataDir, 'pass.key')), false)
    }
  })
})
