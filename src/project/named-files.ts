/** The files that a project names: read, and tried, while it is loaded, so that a wrong password is not found out at night. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { maxPfxBytes, readPfx } from '../secrets/pfx/pfx.ts'
import { secretNamed } from '../secrets/vault/vault.ts'
import type { Identity } from './model.ts'
import { show } from './names.ts'
import { codeOf, readPlainFile } from './plain-file.ts'
import type { Reading } from './reading.ts'
import type { IdentityDocument } from './schema.ts'
import type { Path } from './yaml-file.ts'

// Certificates, keys and secrets are small. What is larger is another file, or a trap for the reader of keys.
const maxBytes = 1024 * 1024

/** The bytes of a file or of a secret of the vault; undefined when they cannot be read, which is then told. */
export function readNamed(reading: Reading, path: Path, name: string, limit = maxBytes): Buffer | undefined {
  const secret = secretNamed(name)
  return secret === undefined ? readFile(reading, path, name, limit) : readVault(reading, path, secret, limit)
}

function readVault(reading: Reading, path: Path, name: string, limit: number): Buffer | undefined {
  const wrong = (why: string, remedy: string): undefined =>
    reading.wrong(path, `${reading.called(path)} is the secret ${show(name)}, which ${why}.`, remedy)
  const secret = reading.secrets(name)
  switch (secret.kind) {
    case 'closed':
      return wrong(secret.why, secret.remedy)
    case 'absent':
      return wrong('is not in the vault', `Put it there: causeway secret set ${name}`)
    case 'unknown':
      return wrong(`cannot be read: ${secret.why}`, `Put it there again: causeway secret set ${name}`)
    case 'found':
      return secret.value.length > limit
        ? wrong(`has ${secret.value.length} bytes, too many for what it should be`, 'Put the right one there.')
        : secret.value
  }
}

function readFile(reading: Reading, path: Path, name: string, limit: number): Buffer | undefined {
  const file = resolve(reading.folder, name)
  const wrong = (why: string): undefined =>
    reading.wrong(
      path,
      `${reading.called(path)} is ${show(name)}, which ${why}.`,
      `Paths are relative to the project file; it was looked for at ${file}.`,
    )
  const read = readPlainFile(file, limit)
  return 'bytes' in read ? read.bytes : wrong(read.why)
}

/** A password or secret: the text of the file without one final line end. */
export function readSecret(reading: Reading, path: Path, name: string): string | undefined {
  const bytes = readNamed(reading, path, name, 4096)
  return bytes?.toString('utf8').replace(/\r?\n$/, '')
}

/** PEM with at least one certificate, all of them readable. */
export function readAuthorities(reading: Reading, path: Path, name: string): Buffer | undefined {
  const pem = readNamed(reading, path, name)
  if (pem === undefined) return undefined
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length > 0 && blocks.every(isCertificate)) return pem
  return reading.wrong(
    path,
    `${show(name)} holds no certificate in PEM form, or a broken one.`,
    'Name a file with one or more BEGIN CERTIFICATE blocks.',
  )
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

/** Certificate and key, tried together. */
export function readIdentity(reading: Reading, path: Path, document: IdentityDocument): Identity | undefined {
  const { cert, key, pfx, passwordFile } = document
  if (pfx !== undefined && cert === undefined && key === undefined) return readPfxFile(reading, path, pfx, passwordFile)
  if (cert !== undefined && key !== undefined && pfx === undefined && passwordFile === undefined)
    return readPem(reading, path, cert, key)
  const named = Object.entries(document).flatMap(([field, value]) => (value === undefined ? [] : [field]))
  return reading.wrong(
    path,
    `A certificate is given by ${named.join(', ') || 'nothing'}.`,
    'Give cert and key, or pfx and passwordFile.',
  )
}

function readPem(reading: Reading, path: Path, certName: string, keyName: string): Identity | undefined {
  const cert = readNamed(reading, [...path, 'cert'], certName)
  const key = readNamed(reading, [...path, 'key'], keyName)
  if (cert === undefined || key === undefined) return undefined
  const why = whyUnusable({ cert, key })
  if (why !== undefined)
    return reading.wrong([...path, 'cert'], `${show(certName)} with ${show(keyName)} ${why.text}.`, why.remedy)
  warnOfExpiry(reading, [...path, 'cert'], certName, cert)
  return { cert, key }
}

/** As PEM from here on: what is presented is what was checked, whatever the file was wrapped in. */
function readPfxFile(
  reading: Reading,
  path: Path,
  name: string,
  passwordFile: string | undefined,
): Identity | undefined {
  const bytes = readNamed(reading, [...path, 'pfx'], name, maxPfxBytes)
  const password = passwordFile === undefined ? '' : readSecret(reading, [...path, 'passwordFile'], passwordFile)
  if (bytes === undefined || password === undefined) return undefined
  const wrong = (text: string, remedy: string): undefined =>
    reading.wrong([...path, 'pfx'], `${show(name)} ${text}.`, remedy)
  const opened = readPfx(bytes, password)
  if (!opened.ok) return wrong(opened.why, opened.remedy)
  const { certificates, key } = opened.pfx
  if (key === undefined || certificates.length === 0)
    return wrong(
      `holds no ${key === undefined ? 'private key' : 'certificate'}`,
      'Export it again with certificate and private key.',
    )
  const identity = {
    cert: Buffer.from(certificates.map((one) => one.toString()).join('')),
    key: Buffer.from(key.export({ type: 'pkcs8', format: 'pem' })),
  }
  const why = whyUnusable(identity)
  if (why !== undefined) return wrong(why.text, why.remedy)
  warnOfExpiry(reading, [...path, 'pfx'], name, identity.cert)
  return identity
}

function warnOfExpiry(reading: Reading, path: Path, name: string, pem: Buffer): void {
  const end = new X509Certificate(pem).validToDate
  if (end.getTime() < Date.now())
    reading.warn(
      path,
      `The certificate in ${show(name)} expired on ${end.toISOString().slice(0, 10)}.`,
      'Renew it; other servers will refuse it.',
    )
}

type Why = { readonly text: string; readonly remedy: string }

/** OpenSSL's verdict in words. */
function whyUnusable(identity: Identity): Why | undefined {
  try {
    createSecureContext(identity)
    // OpenSSL looks at this only where both are of one kind: an RSA key beside an ECDSA certificate passes it.
    const fits = new X509Certificate(identity.cert).checkPrivateKey(createPrivateKey(identity.key))
    return fits ? undefined : strangers
  } catch (error) {
    const verdict = error instanceof Error ? error.message : String(error)
    return (
      known.find(([pattern]) => pattern.test(`${codeOf(error)} ${verdict}`))?.[1] ?? {
        text: `cannot be used (${verdict})`,
        remedy: 'Export certificate and key again.',
      }
    )
  }
}

const strangers: Why = {
  text: 'do not belong together: the key is not that of the certificate',
  remedy: 'Name the key that the certificate was issued for.',
}

const known: readonly (readonly [RegExp, Why])[] = [
  [/key values mismatch|KEY_TYPE_MISMATCH|key type mismatch/i, strangers],
  [
    /bad decrypt|password|passphrase|interrupted or cancelled/i,
    {
      text: 'cannot be used: the key has a password',
      remedy: 'Remove the password from the key, or use pfx and passwordFile.',
    },
  ],
  [
    /unsupported/i,
    {
      text: 'uses ciphers that are no longer supported, or is not a key',
      remedy: 'Export the key again in PKCS #8 form.',
    },
  ],
  [
    /no start line|NO_START_LINE|bad base64|PEM/i,
    {
      text: 'cannot be used: one of them is not a PEM file, or a broken one',
      remedy: 'A certificate begins with BEGIN CERTIFICATE, a key with BEGIN PRIVATE KEY.',
    },
  ],
  [
    /too small|KEY_TOO_SMALL|md too weak/i,
    {
      text: 'cannot be used: the key is too short or the signature too weak',
      remedy: 'Have a certificate with an RSA key of 2048 bits or more issued.',
    },
  ],
  [
    /asn1|ASN1|wrong tag|not enough data|header too long/i,
    { text: 'cannot be used: one of them is broken', remedy: 'Export certificate and key again.' },
  ],
]
