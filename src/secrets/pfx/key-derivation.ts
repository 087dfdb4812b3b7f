/** Keys out of passwords: PKCS #12's own way (RFC 7292 appendix B) and PBKDF2 (RFC 8018 section 5.2). */
import { hash, pbkdf2Sync } from 'node:crypto'
import { at, dotted, type Element, inside, octets, tags, wholeNumber } from '../der.ts'
import type { Budget, Trouble } from './budget.ts'

export type Digest = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'

export const digests = new Map<string, Digest>([
  ['1.2.840.113549.2.5', 'md5'],
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

export const hmacs = new Map<string, Digest>([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.8', 'sha224'],
  ['1.2.840.113549.2.9', 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
])

/** A password in the two forms that PKCS #12 knows: big-endian UTF-16 with a zero at the end, and UTF-8. */
export type Password = { readonly wide: Buffer; readonly plain: Buffer }

/** QUIRK: no password is either nothing at all or an empty text with its zero; exporters differ (seen in OpenSSL and Windows). */
export function passwordForms(text: string): readonly Password[] {
  const wide = Buffer.from(`${text}\0`, 'utf16le').swap16()
  const plain = Buffer.from(text, 'utf8')
  return text === ''
    ? [
        { wide, plain },
        { wide: Buffer.alloc(0), plain },
      ]
    : [{ wide, plain }]
}

export const purpose = { key: 1, iv: 2, mac: 3 } as const

export type Derivation = {
  readonly digest: Digest
  readonly password: Password
  readonly salt: Buffer
  readonly iterations: number | undefined
  readonly length: number
}

/** RFC 7292 appendix B.2. The names are the RFC's. */
export function pkcs12Key(d: Derivation, id: 1 | 2 | 3, budget: Budget): Buffer | Trouble {
  const v = d.digest === 'sha384' || d.digest === 'sha512' ? 128 : 64
  const blocks = Buffer.concat([filled(d.salt, v), filled(d.password.wide, v)])
  const made: Buffer[] = []
  for (let length = 0; length < d.length; ) {
    const slow = budget.spend(d.iterations)
    if (slow !== undefined) return slow
    let a = hash(d.digest, Buffer.concat([Buffer.alloc(v, id), blocks]), 'buffer')
    for (let i = 1; i < (d.iterations ?? 0); i += 1) a = hash(d.digest, a, 'buffer')
    made.push(a)
    length += a.length
    addToEach(blocks, filled(a, v).subarray(0, v), v)
  }
  return Buffer.concat(made).subarray(0, d.length)
}

/** Repeated until it fills whole blocks of `v` bytes; nothing stays nothing. */
const filled = (bytes: Buffer, v: number): Buffer =>
  bytes.length === 0 ? bytes : Buffer.alloc(Math.ceil(bytes.length / v) * v, bytes)

/** Each block of `v` bytes, as a number, grows by b + 1. */
function addToEach(blocks: Buffer, b: Buffer, v: number): void {
  for (let start = 0; start < blocks.length; start += v) {
    let carry = 1
    for (let i = v - 1; i >= 0; i -= 1) {
      carry += (blocks[start + i] ?? 0) + (b[i] ?? 0)
      blocks[start + i] = carry & 0xff
      carry >>= 8
    }
  }
}

const pbkdf2 = '1.2.840.113549.1.5.12'

/** The key that an AlgorithmIdentifier with PBKDF2 asks for. */
export function pbkdf2Key(
  algorithm: Element | undefined,
  plain: Buffer,
  length: number,
  budget: Budget,
): Buffer | Trouble {
  const id = dotted(at(algorithm, 0))
  if (id !== pbkdf2) return { trouble: 'unsupported', detail: `the key derivation ${id || 'without a name'}` }
  const [salt, count, ...rest] = inside(at(algorithm, 1))
  const named = rest.find(({ tag }) => tag === tags.sequence)
  const digest = named === undefined ? 'sha1' : hmacs.get(dotted(at(named, 0)))
  if (digest === undefined) return { trouble: 'unsupported', detail: `the digest ${dotted(at(named, 0))}` }
  const iterations = wholeNumber(count)
  const slow = budget.spend(iterations)
  if (slow !== undefined) return slow
  return pbkdf2Sync(plain, octets(salt), iterations ?? 1, length, digest)
}
