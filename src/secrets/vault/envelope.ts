/**
 * One secret under two keys: the value under a key of its own, that one under the master key. A new master key then touches 32 bytes of
 * each secret, never the value. Both layers are AES-256-GCM and bound to whose they are: a row moved to another name does not open.
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'

/** What a secret is called. Another version is another secret: an old value does not open under a new version. */
export type SecretName = { readonly kind: string; readonly id: string; readonly version: number }

/** What is stored: nonce, ciphertext and tag in one, for each layer. */
export type Sealed = SecretName & {
  /** The master key that wraps it. */
  readonly keyId: string
  readonly wrappedKey: Uint8Array
  readonly sealed: Uint8Array
}

/** A secret key does not show its bytes in logs or errors. */
export type MasterKey = { readonly id: string; readonly key: KeyObject }

const algorithm = 'aes-256-gcm'
export const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

export function masterKeyOf(bytes: Buffer): MasterKey {
  const key = createSecretKey(bytes)
  // Says which key is meant, and nothing about it.
  return { key, id: createHmac('sha256', key).update('causeway master key').digest('hex').slice(0, 16) }
}

export function seal(master: MasterKey, name: SecretName, value: Buffer): Sealed {
  const own = randomBytes(keyBytes)
  const sealed = encrypt(createSecretKey(own), value, bound(name, 'value'))
  const wrappedKey = encrypt(master.key, own, bound(name, 'key'))
  const { kind, id, version } = name
  return { kind, id, version, keyId: master.id, wrappedKey, sealed }
}

/** undefined: not sealed by this key under this name, or not as it was any more. */
export function open(master: MasterKey, secret: Sealed): Buffer | undefined {
  const own = decrypt(master.key, secret.wrappedKey, bound(secret, 'key'))
  return own?.length === keyBytes ? decrypt(createSecretKey(own), secret.sealed, bound(secret, 'value')) : undefined
}

/** The same under another master key; undefined as in `open`. */
export function rewrap(from: MasterKey, to: MasterKey, secret: Sealed): Sealed | undefined {
  if (open(from, secret) === undefined) return undefined
  const own = decrypt(from.key, secret.wrappedKey, bound(secret, 'key'))
  if (own === undefined) return undefined
  return { ...secret, keyId: to.id, wrappedKey: encrypt(to.key, own, bound(secret, 'key')) }
}

/** No two names give the same bytes. */
const bound = ({ kind, id, version }: SecretName, layer: 'key' | 'value'): Buffer =>
  Buffer.from(JSON.stringify(['causeway', 1, layer, kind, id, version]))

function encrypt(key: KeyObject, plain: Buffer, about: Buffer): Buffer {
  // A random nonce is safe for 2^32 uses of a key (NIST SP 800-38D section 8.3); a master key wraps some dozens.
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(about)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: KeyObject, box: Uint8Array, about: Buffer): Buffer | undefined {
  if (box.length < nonceBytes + tagBytes) return undefined
  const tagAt = box.length - tagBytes
  const decipher = createDecipheriv(algorithm, key, box.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(about).setAuthTag(box.subarray(tagAt))
  try {
    return Buffer.concat([decipher.update(box.subarray(nonceBytes, tagAt)), decipher.final()])
  } catch {
    return undefined
  }
}
