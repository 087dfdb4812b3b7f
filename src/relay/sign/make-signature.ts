/** The one place where a private key is used. */
import { createHash, sign as signBytes } from 'node:crypto'
import type { Signer } from './sign.ts'

/** Over canonical text; on the thread pool. Rejects only for a key that does not fit its algorithm. */
export function makeSignature({ algorithm, key }: Signer, covered: Buffer): Promise<Buffer> {
  // RFC 8463 section 3: Ed25519 signs the SHA-256 of the header, not the header.
  const isRsa = algorithm === 'rsa-sha256'
  const data = isRsa ? covered : createHash('sha256').update(covered).digest()
  return new Promise((resolve, reject) => {
    signBytes(isRsa ? 'sha256' : null, data, key, (error, made) => (error === null ? resolve(made) : reject(error)))
  })
}

/** Seconds since 1970, as t= has them. */
export const seconds = (now: Date): number => Math.floor(now.getTime() / 1000)
