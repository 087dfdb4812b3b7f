/** A file with a certificate, in whatever form it came: PFX, or PEM blocks one after another. */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { type Refused, readEncryptedKey, readPfx } from '../pfx/pfx.ts'
import { readBundle } from './chain.ts'

export type Candidate = {
  readonly form: 'pfx' | 'pem'
  readonly hasPassword: boolean
  /** The certificate itself first. */
  readonly certificates: readonly X509Certificate[]
  readonly key: KeyObject | undefined
  /** undefined where the form has no place for one. */
  readonly friendlyName?: string
  readonly oldCiphers: readonly string[]
}
export type CandidateAnswer = { readonly ok: true; readonly candidate: Candidate } | Refused

const maxPemBytes = 1024 * 1024

export function readCandidate(bytes: Buffer, password: string): CandidateAnswer {
  const isPem = bytes.subarray(0, maxPemBytes).includes('-----BEGIN ')
  if (isPem && bytes.length > maxPemBytes)
    return { ok: false, why: `has ${bytes.length} bytes, too many for a certificate`, remedy: 'Name another file.' }
  return isPem ? readPem(bytes.toString('latin1'), password) : fromPfx(bytes, password)
}

function fromPfx(bytes: Buffer, password: string): CandidateAnswer {
  const opened = readPfx(bytes, password)
  if (!opened.ok) return opened
  return { ok: true, candidate: { form: 'pfx', hasPassword: password !== '', ...opened.pfx } }
}

function readPem(pem: string, password: string): CandidateAnswer {
  const key = readKey(pem, password)
  if (key !== undefined && !key.ok) return key
  try {
    const certificates = readBundle(pem)
    const at = certificates.findIndex((one) => key !== undefined && one.checkPrivateKey(key.key))
    const leaf = certificates[at]
    const ordered = leaf === undefined ? certificates : [leaf, ...certificates.toSpliced(at, 1)]
    const hasPassword = /ENCRYPTED/.test(pem)
    return { ok: true, candidate: { form: 'pem', hasPassword, certificates: ordered, key: key?.key, oldCiphers: [] } }
  } catch {
    return { ok: false, why: 'holds a certificate that cannot be read', remedy: 'Export it again.' }
  }
}

type Key = { readonly ok: true; readonly key: KeyObject } | Refused | undefined

const keyBlock = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----([^-]*)-----END \1-----/

function readKey(pem: string, password: string): Key {
  const [block, kind, body = ''] = keyBlock.exec(pem) ?? []
  if (block === undefined) return undefined
  if (kind === 'ENCRYPTED PRIVATE KEY') return readEncryptedKey(Buffer.from(body, 'base64'), password)
  try {
    return { ok: true, key: createPrivateKey(block) }
  } catch {
    const remedy = 'Write it in PKCS #8 form: openssl pkcs8 -topk8 -in OLD.key -out NEW.key.'
    return { ok: false, why: 'holds a private key that cannot be read', remedy }
  }
}
