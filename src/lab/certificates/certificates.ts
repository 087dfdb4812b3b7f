/**
 * A certificate authority for the lab, and what it issues (RFC 5280). Keys are EC P-256, made on the spot.
 *
 * Promises: what it issues is good for servers and clients alike, carries its names as subjectAltName, and is valid now.
 * Never: is trusted by anything but what is handed its root; writes to the disk.
 * On failure: throws, since nothing here depends on the outside.
 */
import 'reflect-metadata' // the certificate library needs it first
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** Certificate and key as PEM. */
export type Issued = { readonly cert: string; readonly key: string }

export type Ca = {
  /** The root as PEM: what others must trust. */
  readonly cert: string
  /** A certificate for these DNS names; the first is the common name as well. */
  issue(...names: readonly [string, ...string[]]): Promise<Issued>
}

const dayMs = 24 * 60 * 60 * 1000
const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const
const validity = () => ({ notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + 30 * dayMs) })

export async function makeCa(name: string): Promise<Ca> {
  const keys = await newKeys()
  const root = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm,
    ...validity(),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: root.toString('pem'), issue: (...names) => issue(name, keys, names) }
}

async function issue(issuer: string, ca: CryptoKeyPair, names: readonly [string, ...string[]]): Promise<Issued> {
  const keys = await newKeys()
  const leaf = await X509CertificateGenerator.create({
    subject: [{ CN: [names[0]] }],
    issuer: [{ CN: [issuer] }],
    publicKey: keys.publicKey,
    signingKey: ca.privateKey,
    signingAlgorithm,
    ...validity(),
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(ca.publicKey),
    ],
  })
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: leaf.toString('pem'), key: PemConverter.encode(key, 'PRIVATE KEY') }
}

const newKeys = () => crypto.subtle.generateKey(curve, true, ['sign', 'verify'])
