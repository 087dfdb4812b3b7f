/**
 * Passwords of a batch at rest: each row sealed under the key of its batch, which lies in the vault. With the key all of them are
 * forgotten at once, whatever copies of the file there are.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

export const batchKeyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const algorithm = 'aes-256-gcm'

/** What a row of the CSV file keeps secret; '' where the field was empty. */
export type RowSecret = { readonly password: string; readonly targetPassword: string }

/** Bound to whose it is: a row moved to another mailbox does not open. */
const about = (keyId: string, email: string): Buffer => Buffer.from(JSON.stringify(['causeway batch', 1, keyId, email]))

export function sealRow(key: Uint8Array, keyId: string, email: string, secret: RowSecret): Uint8Array {
  // A random nonce is safe for 2^32 uses of a key (NIST SP 800-38D section 8.3); a batch has 50,000 rows.
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(about(keyId, email))
  const plain = JSON.stringify([secret.password, secret.targetPassword])
  return Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
}

/** undefined: not sealed under this key for this mailbox, or damaged. */
export function openRow(key: Uint8Array, keyId: string, email: string, box: Uint8Array): RowSecret | undefined {
  if (key.length !== batchKeyBytes || box.length < nonceBytes + tagBytes) return undefined
  const tagAt = box.length - tagBytes
  const decipher = createDecipheriv(algorithm, key, box.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(about(keyId, email)).setAuthTag(box.subarray(tagAt))
  try {
    const plain = Buffer.concat([decipher.update(box.subarray(nonceBytes, tagAt)), decipher.final()])
    const [password, targetPassword]: unknown[] = JSON.parse(plain.toString('utf8'))
    return { password: String(password), targetPassword: String(targetPassword) }
  } catch {
    return undefined
  }
}
