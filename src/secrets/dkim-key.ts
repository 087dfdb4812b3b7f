/** DKIM private keys in PEM files (PKCS #8), made on first use. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { statSync } from 'node:fs'
import { createPrivate, readPrivate, reason } from './private-file.ts'

export type KeyKind = 'rsa' | 'ed25519'

export type DkimKey = {
  readonly key: KeyObject
  /** Made just now: its record is not in DNS yet. */
  readonly created: boolean
  /** What an operator should mend though it works, as sentences. */
  readonly warnings: readonly string[]
}

export type KeyAnswer =
  | ({ readonly kind: 'found' } & DkimKey)
  | { readonly kind: 'absent' }
  | { readonly kind: 'bad'; readonly why: string; readonly remedy: string }

/** Parsing a PEM costs half as much as an RSA signature; a file that changes is read again. */
const parsed = new Map<string, { readonly stamp: string; readonly answer: KeyAnswer }>()

/** The key in `file`, or made and stored there (RSA-2048, RFC 8301 section 3.2) when absent and `create` is true. */
export function readDkimKey(file: string, kind: KeyKind, o: { readonly create: boolean }): KeyAnswer {
  const stamp = stampOf(file)
  const cacheKey = `${kind} ${file}`
  const cached = parsed.get(cacheKey)
  if (cached !== undefined && stamp !== '' && cached.stamp === stamp) return cached.answer
  const answer = load(file, kind)
  if (answer.kind === 'absent' && o.create) return make(file, kind)
  parsed.set(cacheKey, { stamp, answer })
  return answer
}

/** As `readDkimKey`; undefined when absent. Throws when the file holds no usable key, with the sentence why. */
export function dkimKey(file: string, kind: KeyKind, o: { readonly create: boolean }): DkimKey | undefined {
  const answer = readDkimKey(file, kind, o)
  if (answer.kind === 'bad') throw new Error(`${answer.why}: ${answer.remedy}`)
  return answer.kind === 'found' ? answer : undefined
}

function make(file: string, kind: KeyKind): KeyAnswer {
  const { privateKey } =
    kind === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync(kind)
  try {
    const isOurs = createPrivate(file, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const answer = load(file, kind)
    return answer.kind === 'found' ? { ...answer, created: isOurs } : answer
  } catch (error) {
    return {
      kind: 'bad',
      why: `cannot write the key file ${file}: ${reason(error)}`,
      remedy: 'make its folder writable',
    }
  }
}

function load(file: string, kind: KeyKind): KeyAnswer {
  const found = readPrivate(file)
  if (found.kind === 'absent') return found
  if (found.kind === 'unreadable') {
    return { kind: 'bad', why: `cannot read the key file ${file}: ${found.why}`, remedy: 'name a PEM file we may read' }
  }
  const key = parsePrivateKey(found.bytes)
  if (key === undefined) {
    return { kind: 'bad', why: `${file} holds no private key in PEM form`, remedy: 'name another file or remove it' }
  }
  const openWarning = found.isOpenToOthers ? [`${file} can be read by other users: chmod 600 ${file}`] : []
  return judge(file, kind, key, openWarning)
}

function parsePrivateKey(pem: Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

function judge(file: string, kind: KeyKind, key: KeyObject, warnings: readonly string[]): KeyAnswer {
  if (key.asymmetricKeyType !== kind) {
    const why = `${file} holds a key of type ${key.asymmetricKeyType ?? 'unknown'}, wanted ${kind}`
    return { kind: 'bad', why, remedy: 'name the file of a key of that type, or one that does not exist yet' }
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  // RFC 8301 section 3.2: a verifier must not take less than 1024 bits; a signer should have 2048.
  if (kind === 'rsa' && bits < 1024) {
    const why = `the RSA key in ${file} has ${bits} bits; verifiers refuse less than 1024`
    return { kind: 'bad', why, remedy: 'remove the file, a key of 2048 bits is made in its place' }
  }
  const weak = kind === 'rsa' && bits < 2048 ? [`the RSA key in ${file} has only ${bits} bits: make one of 2048`] : []
  return { kind: 'found', key, created: false, warnings: [...warnings, ...weak] }
}

/** '' when there is no such file. */
function stampOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? '' : `${found.mtimeNs} ${found.size} ${found.ino} ${found.mode}`
}
