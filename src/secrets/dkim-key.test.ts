/** Keys in the vault; those in files are in secrets.test.ts. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { type KeyVault, keyPlaceOf, readDkimKey } from './secrets.ts'
import { isSecretName, secretNamed } from './vault/vault.ts'

function memoryVault() {
  const values = new Map<string, Buffer>()
  const vault: KeyVault = {
    read(name) {
      const value = values.get(name)
      return value === undefined ? { kind: 'absent' } : { kind: 'found', value }
    },
    keep: (name, value) => void values.set(name, value),
  }
  return {
    values,
    vault,
    read: (kind: 'rsa' | 'ed25519', create: boolean) => readDkimKey(place, kind, { create, vault }),
  }
}

const place = keyPlaceOf('Shared.example', 'CW1')
const name = 'dkim/shared.example/cw1'
const pemOf = (key: { export(o: { type: 'pkcs8'; format: 'pem' }): string | Buffer }): Buffer =>
  Buffer.from(key.export({ type: 'pkcs8', format: 'pem' }))

test('a key lies under the name of its record, which is a name', () => {
  assert.equal(place, `vault:${name}`)
  assert.equal(secretNamed(place), name)
  const longest = `${`${'a'.repeat(63)}.`.repeat(3)}${'b'.repeat(61)}`
  assert.ok(isSecretName(secretNamed(keyPlaceOf(longest, 'c'.repeat(128))) ?? ''))
  assert.ok(isSecretName(secretNamed(keyPlaceOf('_tcp.xn--mnchen-3ya.example', 'a.b-c')) ?? ''))
  for (const none of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', 'a/.b', 'a b', 'ä', 'a\n', `a${'b'.repeat(400)}`])
    assert.equal(isSecretName(none), false, none)
})

test('a key of the vault is made on first use, and found again', () => {
  const { values, read } = memoryVault()
  assert.equal(read('rsa', false).kind, 'absent')
  const made = read('rsa', true)
  assert.ok(made.kind === 'found' && made.created)
  assert.equal(made.key.asymmetricKeyDetails?.modulusLength, 2048)
  assert.match(String(values.get(name)), /^-----BEGIN PRIVATE KEY-----\n/)
  const again = read('rsa', true)
  assert.ok(again.kind === 'found' && !again.created && again.key.equals(made.key))
})

test('none is made where the vault can only be read, or is not at hand', () => {
  const { vault } = memoryVault()
  assert.equal(readDkimKey(place, 'rsa', { create: true, vault: { read: (one) => vault.read(one) } }).kind, 'absent')
  const without = readDkimKey(place, 'rsa', { create: true })
  assert.ok(without.kind === 'bad' && /only the gateway that keeps it can read/.test(without.why))
})

test('a secret that is no such key is refused, is not replaced, and not repeated', () => {
  const { values, read } = memoryVault()
  const rsa = (bits: number) => pemOf(generateKeyPairSync('rsa', { modulusLength: bits }).privateKey)
  const locked = generateKeyPairSync('ed25519').privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-128-cbc',
    passphrase: 'x',
  })
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.from('canary'), /not a private key in PEM form/],
    [pemOf(generateKeyPairSync('ed25519').privateKey), /kind ed25519, not rsa/],
    [rsa(1024), /1024 bits, and 2048 are the least/],
    [rsa(4608), /need not take more than 4096/],
    [Buffer.from(locked), /has a password/],
  ]
  for (const [value, why] of cases) {
    values.set(name, value)
    const answer = read('rsa', true)
    assert.ok(answer.kind === 'bad', String(why))
    assert.match(answer.why, why)
    assert.doesNotMatch(answer.why + answer.remedy, /canary/)
    assert.equal(values.get(name), value)
  }
})
