/**
 * The pass: a field on each copy that leaves, by which we know our own work when a tenant sends it back. It names project,
 * tenant, direction and time, sealed with AES-256-GCM (NIST SP 800-38D) so that it is opaque to others, and bound to
 * Message-ID and From so that it cannot be put on another message.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { all, fieldValue, first, type Header, unfold } from '../../mail/header/header.ts'

export const passField = 'X-Causeway-Pass'
export type Direction = 'inside' | 'outside'
/** `tenant` is the one that the copy was handed to: nobody else can bring it back. */
export type Pass = {
  readonly project: string
  readonly tenant: string
  readonly direction: Direction
  readonly at: number
}

/** Longer than any queue keeps a message. */
const maxAgeMs = 14 * 24 * 3_600_000
const ivBytes = 12
const tagBytes = 16

/** The value of the field, for the copy with this header. `key` is 32 bytes. */
export function issuePass(key: Buffer, pass: Pass, header: Header): string {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', prepared(key), iv)
  cipher.setAAD(boundTo(header))
  const text = JSON.stringify([pass.project, pass.tenant, pass.direction, pass.at])
  const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return sealed.toString('base64url')
}

/** The pass that a message carries, when it is ours, whole, young enough, and for this copy. */
export function readPass(key: Buffer, header: Header, now: number): Pass | undefined {
  const field = first(header, passField.toLowerCase())
  if (field === undefined) return undefined
  const pass = unseal(key, Buffer.from(withoutSpace(fieldValue(field)), 'base64url'), boundTo(header))
  return pass !== undefined && Math.abs(now - pass.at) <= maxAgeMs ? pass : undefined
}

/** Whoever saw a pass could put it on mail of his own; it holds for one Message-ID and one author only, however folded. */
function boundTo(header: Header): Buffer {
  const authors = all(header, 'from').map((field) => withoutSpace(fieldValue(field)))
  return Buffer.from(JSON.stringify([messageIdOf(header), authors]), 'latin1')
}

const withoutSpace = (text: string): string => text.replaceAll(/\s/g, '')

const known = new WeakMap<Buffer, KeyObject>()

/** Made once for each key: ciphers that are given bytes take four times as long to begin, and each copy needs one. */
function prepared(key: Buffer): KeyObject {
  const made = known.get(key) ?? createSecretKey(key)
  known.set(key, made)
  return made
}

function messageIdOf(header: Header): string {
  const field = first(header, 'message-id')
  return field === undefined ? '' : unfold(fieldValue(field))
}

function unseal(key: Buffer, sealed: Buffer, bound: Buffer): Pass | undefined {
  if (sealed.length <= ivBytes + tagBytes) return undefined
  const decipher = createDecipheriv('aes-256-gcm', prepared(key), sealed.subarray(0, ivBytes))
  decipher.setAAD(bound)
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  try {
    const text = Buffer.concat([decipher.update(sealed.subarray(ivBytes, sealed.length - tagBytes)), decipher.final()])
    return readFields(JSON.parse(text.toString('utf8')))
  } catch {
    return undefined // a forged or damaged pass is no pass
  }
}

function readFields(fields: unknown): Pass | undefined {
  if (!Array.isArray(fields)) return undefined
  const [project, tenant, direction, at]: unknown[] = fields
  if (typeof project !== 'string' || typeof tenant !== 'string' || typeof at !== 'number') return undefined
  return direction === 'inside' || direction === 'outside' ? { project, tenant, direction, at } : undefined
}
