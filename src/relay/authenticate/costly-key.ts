/**
 * Keys in the DNS that were made to keep us busy: RSA with an exponent as long as its modulus takes a hundred times the usual work, and a
 * message may ask for it sixty times, by its signatures and the seals of a chain.
 */
import { createPublicKey } from 'node:crypto'

/** Twice what every verifier must take (RFC 8301 section 3.2). */
const maxBits = 8192
const maxExponent = 0xff_ff_ff_ffn

/** Is that in the record of a DKIM key? What cannot be read is nobody's work. */
export function isCostlyKey(record: string): boolean {
  const [, value = ''] = /(?:^|;)\s*p\s*=([^;]*)/.exec(record) ?? []
  const der = Buffer.from(value, 'base64')
  return (['spki', 'pkcs1'] as const).some((type) => isCostly(der, type))
}

function isCostly(key: Buffer, type: 'spki' | 'pkcs1'): boolean {
  try {
    const { modulusLength = 0, publicExponent = 0n } =
      createPublicKey({ key, format: 'der', type }).asymmetricKeyDetails ?? {}
    return modulusLength > maxBits || publicExponent > maxExponent
  } catch {
    return false
  }
}
