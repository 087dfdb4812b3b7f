/** Keys and signatures that can be forged today prove nothing, whoever made them (NIST SP 800-131A, CA/Browser Forum 6.1.5). */
import type { X509Certificate } from 'node:crypto'
import { at, dotted, elements, inside } from '../der.ts'

const minRsaBits = 2048
/** To verify with more takes a hundred times as long, or with an exponent beyond this: RFC 8017 allows one as large as the modulus. */
const maxRsaBits = 8192
const maxExponent = 0xff_ff_ff_ffn
const goodCurves = ['prime256v1', 'secp384r1', 'secp521r1']

/** A sentence part when the key is too weak. */
export function weakKey(certificate: X509Certificate): string | undefined {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details = {} } = certificate.publicKey
  switch (type) {
    case 'rsa':
    case 'rsa-pss': {
      const bits = details.modulusLength ?? 0
      return bits < minRsaBits ? `has a key of ${bits} bits, fewer than ${minRsaBits}` : costlyKey(certificate)
    }
    case 'ec':
      return goodCurves.includes(details.namedCurve ?? '') ? undefined : `has a key on the curve ${details.namedCurve}`
    case 'ed25519':
    case 'ed448':
      return undefined
    default:
      return `has a key of the kind ${type}`
  }
}

/** A sentence part when whoever verifies with the key is kept busy for long. */
export function costlyKey({ publicKey }: X509Certificate): string | undefined {
  const { modulusLength = 0, publicExponent = 0n } = publicKey.asymmetricKeyDetails ?? {}
  if (modulusLength > maxRsaBits) return `has a key of ${modulusLength} bits, more than ${maxRsaBits}`
  return publicExponent > maxExponent ? 'has a key with an exponent of more than 32 bits' : undefined
}

/** MD2, MD5, SHA-1 with RSA; DSA; SHA-1 with ECDSA. */
const weakAlgorithms = new Map([
  ['1.2.840.113549.1.1.2', 'MD2'],
  ['1.2.840.113549.1.1.4', 'MD5'],
  ['1.2.840.113549.1.1.5', 'SHA-1'],
  ['1.3.14.3.2.29', 'SHA-1'],
  ['1.2.840.10040.4.3', 'SHA-1'],
  ['1.2.840.10045.4.1', 'SHA-1'],
])
const pss = '1.2.840.113549.1.1.10'
const sha1 = '1.3.14.3.2.26'

/** A sentence part when the signature on it is by a digest for which collisions are made. */
export function weakSignature(certificate: X509Certificate): string | undefined {
  const algorithm = at(elements(certificate.raw)[0], 1)
  const id = dotted(at(algorithm, 0))
  // RFC 4055 section 3.1: RSASSA-PSS that names no digest means SHA-1.
  const digest = inside(at(algorithm, 1)).find(({ tag }) => tag === 0xa0)
  const isPssSha1 = id === pss && (digest === undefined || dotted(at(digest, 0, 0)) === sha1)
  const weak = isPssSha1 ? 'SHA-1' : weakAlgorithms.get(id)
  return weak === undefined ? undefined : `is signed with ${weak}`
}
