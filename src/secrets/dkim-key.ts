/** DKIM private keys (PEM, PKCS #8), in the vault or in files, made on first use. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { statSync } from 'node:fs'
import { judgeKey, type KeyKind, leastBits } from './key-judgement.ts'
import { createPrivate, readPrivate, reason } from './private-file.ts'
import { type Closed, type Secret, secretNamed } from './vault/vault.ts'

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

/** The secrets of the project. */
export type KeyVault = {
  read(name: string): Secret | Closed
  /** Where it is missing, no key is made. */
  keep?(name: string, value: Buffer): void
}

export type KeyOptions = { readonly create: boolean; readonly vault?: KeyVault }

/** Where the key of a record lies when the project does not say where: one record, one key. */
export const keyNameOf = (domain: string, selector: string): string =>
  `dkim/${domain.toLowerCase()}/${selector.toLowerCase()}`
/** The same in the place of a file. */
export const keyPlaceOf = (domain: string, selector: string): string => `vault:${keyNameOf(domain, selector)}`

/**
 * The key at `place`, the path of a file or `vault:NAME`; made and stored there (RSA-2048, RFC 8301 section 3.2) when absent and
 * `create` is true.
 */
export function readDkimKey(place: string, kind: KeyKind, o: KeyOptions): KeyAnswer {
  const name = secretNamed(place)
  if (name === undefined) return readFileKey(place, kind, o.create)
  const { vault = noVault } = o
  const answer = readVaultKey(vault, name, kind)
  if (answer.kind !== 'absent' || !o.create || vault.keep === undefined) return answer
  vault.keep(name, Buffer.from(makePem(kind)))
  const made = readVaultKey(vault, name, kind)
  return made.kind === 'found' ? { ...made, created: true } : made
}

/** As `readDkimKey`; undefined when absent. Throws when there is no usable key, with the sentence why. */
export function dkimKey(place: string, kind: KeyKind, o: KeyOptions): DkimKey | undefined {
  const answer = readDkimKey(place, kind, o)
  if (answer.kind === 'bad') throw new Error(`${answer.why}: ${answer.remedy}`)
  return answer.kind === 'found' ? answer : undefined
}

const noVault: KeyVault = {
  read: () => ({ kind: 'closed', why: 'only the gateway that keeps it can read', remedy: 'ask the running gateway' }),
}

function readVaultKey(vault: KeyVault, name: string, kind: KeyKind): KeyAnswer {
  const found = vault.read(name)
  switch (found.kind) {
    case 'absent':
      return found
    case 'closed':
      return { kind: 'bad', why: `the key is the secret ${name}, which ${found.why}`, remedy: found.remedy }
    case 'unknown':
      return { kind: 'bad', why: found.why, remedy: `put the key there again: causeway secret set ${name} --file KEY` }
    case 'found': {
      const judged = judgeKey(found.value, kind, leastBits.taken)
      return judged.ok
        ? { kind: 'found', key: judged.key, created: false, warnings: [] }
        : { kind: 'bad', why: `the secret ${name} ${judged.why}`, remedy: 'put the right key there' }
    }
  }
}

/** Parsing a PEM costs half as much as an RSA signature; a file that changes is read again. */
const parsed = new Map<string, { readonly stamp: string; readonly answer: KeyAnswer }>()

function readFileKey(file: string, kind: KeyKind, create: boolean): KeyAnswer {
  const stamp = stampOf(file)
  const cacheKey = `${kind} ${file}`
  const cached = parsed.get(cacheKey)
  if (cached !== undefined && stamp !== '' && cached.stamp === stamp) return cached.answer
  const answer = load(file, kind)
  if (answer.kind === 'absent' && create) return make(file, kind)
  parsed.set(cacheKey, { stamp, answer })
  return answer
}

function make(file: string, kind: KeyKind): KeyAnswer {
  try {
    const isOurs = createPrivate(file, makePem(kind))
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

function makePem(kind: KeyKind): string {
  const { privateKey } =
    kind === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync(kind)
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function load(file: string, kind: KeyKind): KeyAnswer {
  const found = readPrivate(file)
  if (found.kind === 'absent') return found
  if (found.kind === 'unreadable') {
    return { kind: 'bad', why: `cannot read the key file ${file}: ${found.why}`, remedy: 'name a PEM file we may read' }
  }
  const judged = judgeKey(found.bytes, kind, leastBits.verified)
  if (!judged.ok) {
    const remedy = 'name the file of another key, or one that does not exist yet: a key is then made there'
    return { kind: 'bad', why: `${file} ${judged.why}`, remedy }
  }
  const { key, bits } = judged
  const open = found.isOpenToOthers ? [`${file} can be read by other users: chmod 600 ${file}`] : []
  const weak = bits < leastBits.taken ? [`the RSA key in ${file} has only ${bits} bits: make one of 2048`] : []
  return { kind: 'found', key, created: false, warnings: [...open, ...weak] }
}

/** '' when there is no such file. */
function stampOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? '' : `${found.mtimeNs} ${found.size} ${found.ino} ${found.mode}`
}
