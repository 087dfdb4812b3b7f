/** Is this a key that can sign mail? */
import { createPrivateKey, type KeyObject } from 'node:crypto'

export type KeyKind = 'rsa' | 'ed25519'

/**
 * RFC 8301 section 3.2: verifiers must not take less than 1024 bits, and signers should have 2048. What comes into the vault has
 * these; a file that has been signing for years goes on, with a warning.
 */
export const leastBits = { verified: 1024, taken: 2048 } as const
/** RFC 8301 section 3.2: verifiers need not take more. */
const mostBits = 4096

/** `why` goes on after the name of the place. `bits` is Infinity where the size is fixed. */
export type Judged =
  | { readonly ok: true; readonly key: KeyObject; readonly bits: number }
  | { readonly ok: false; readonly why: string }

/** `kind` undefined: any that signs mail. */
export function judgeKey(pem: Buffer, kind: KeyKind | undefined, least: number): Judged {
  const key = parse(pem)
  if (key === undefined) {
    const isLocked = pem.includes('ENCRYPTED')
    return {
      ok: false,
      why: isLocked ? 'has a password, which nobody is asked for' : 'is not a private key in PEM form',
    }
  }
  const found = key.asymmetricKeyType ?? 'unknown'
  if (kind === undefined ? found !== 'rsa' && found !== 'ed25519' : found !== kind)
    return { ok: false, why: `is a key of the kind ${found}, not ${kind ?? 'rsa or ed25519'}` }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? Number.POSITIVE_INFINITY
  if (bits < least) return { ok: false, why: `is an RSA key of ${bits} bits, and ${least} are the least` }
  if (found === 'rsa' && bits > mostBits)
    return { ok: false, why: `is an RSA key of ${bits} bits, and verifiers need not take more than ${mostBits}` }
  return { ok: true, key, bits }
}

function parse(pem: Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}
