/**
 * A client assertion (RFC 7523): the app proves that it has the private key of a certificate that Entra knows.
 * Source of the form: "Microsoft identity platform application authentication certificate credentials", Microsoft: PS256, x5t#S256.
 */
import { constants, createPrivateKey, type KeyObject, randomUUID, sign, X509Certificate } from 'node:crypto'

export type Assertion = { readonly ok: true; readonly assertion: string } | { readonly ok: false; readonly why: string }

const lifeSeconds = 600

export function signedAssertion(o: {
  /** Private key and certificate, in any order. */
  readonly pem: string
  readonly clientId: string
  readonly audience: string
  readonly now: number
}): Assertion {
  const read = keysOf(o.pem)
  if (!read.ok) return read
  const { key, certificate } = read
  const seconds = Math.floor(o.now / 1000)
  const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
  const header = { alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint }
  const claims = {
    aud: o.audience,
    iss: o.clientId,
    sub: o.clientId,
    jti: randomUUID(),
    nbf: seconds - 60,
    iat: seconds,
    exp: seconds + lifeSeconds,
  }
  const signed = `${encoded(header)}.${encoded(claims)}`
  const padding = constants.RSA_PKCS1_PSS_PADDING
  // RFC 7518 section 3.5: the salt is as long as the hash.
  const signature = sign('sha256', Buffer.from(signed), { key, padding, saltLength: 32 })
  return { ok: true, assertion: `${signed}.${signature.toString('base64url')}` }
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

type Keys =
  | { readonly ok: true; readonly key: KeyObject; readonly certificate: X509Certificate }
  | { readonly ok: false; readonly why: string }

function keysOf(pem: string): Keys {
  const block = (name: string): string | undefined =>
    new RegExp(`-----BEGIN ${name}-----[^-]+-----END ${name}-----`).exec(pem)?.[0]
  const keyPem = block('PRIVATE KEY') ?? block('RSA PRIVATE KEY')
  const certificatePem = block('CERTIFICATE')
  if (keyPem === undefined || certificatePem === undefined)
    return bad('the secret for the app holds no PEM with a private key (without a password) and a certificate')
  try {
    const key = createPrivateKey(keyPem)
    const certificate = new X509Certificate(certificatePem)
    if (key.asymmetricKeyType !== 'rsa') return bad('the key of the app is no RSA key')
    if (!certificate.checkPrivateKey(key)) return bad('the private key of the app is not that of its certificate')
    return { ok: true, key, certificate }
  } catch {
    return bad('the private key or the certificate of the app cannot be read')
  }
}

const bad = (why: string): Keys => ({ ok: false, why })
