/**
 * The vault: secrets at rest, encrypted under a master key that is not where they are. What Causeway makes for itself lies in it
 * (the key of the pass header), and what an operator puts there for the project (`vault:NAME` in the place of a file).
 *
 * Promises: a copy of the database without the key tells names, sizes and dates, and no value; a row that was changed or
 *   moved does not open; a new master key is taken whole or not at all, also when the process is killed in between.
 * Never: writes a value anywhere in the clear, puts one into an error, makes a new key while secrets need the old one.
 * On failure: opening answers why; a secret that does not open is `unknown`, never absent.
 */
import { type MasterKey, open, rewrap, type Sealed, seal } from './envelope.ts'
import { dropNext, isDescriptor, type KeyPlace, makeKey, nextOf, readKey, takeNext } from './master-key.ts'

export { keyPlace } from './master-key.ts'
export { isSecretName, longestName, secretName, secretNamed } from './name.ts'

export type Kept = Sealed & {
  /** ms since 1970. */
  readonly at: number
  readonly by: string
}

/** The table that they lie in; `store/` has it. */
export type Rows = {
  all(): readonly Kept[]
  get(kind: string, id: string): Kept | undefined
  put(row: Kept): void
  /** False: there was none. */
  remove(kind: string, id: string): boolean
  /** All of them, or none. */
  rewrite(rows: readonly Kept[]): void
}

export type Secret =
  | { readonly kind: 'found'; readonly value: Buffer }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly why: string }

/** Nobody here can open the vault; the gateway that keeps it can. `why` ends a sentence about the secret. */
export type Closed = { readonly kind: 'closed'; readonly why: string; readonly remedy: string }

export type Listed = { readonly name: string; readonly version: number; readonly at: number; readonly by: string }
export type Rotated = { readonly ok: true; readonly keyId: string; readonly secrets: number } | Refused
type Refused = { readonly ok: false; readonly why: string }

export type Vault = {
  read(kind: string, id: string): Secret
  /** The version: 1, 2, ... */
  write(kind: string, id: string, value: Buffer, by: string): number
  remove(kind: string, id: string): boolean
  /** Names, never values. */
  list(kind: string): readonly Listed[]
  readonly keyId: string
  /** Takes a new master key and wraps every secret in it. */
  rotate(): Rotated
}

export type VaultParts = { readonly rows: Rows; readonly place: KeyPlace; readonly now: () => number }

export function openVault(parts: VaultParts): { readonly ok: true; readonly vault: Vault } | Refused {
  const found = findKey(parts)
  return 'why' in found ? found : { ok: true, vault: makeVault(parts, found.master) }
}

/** For a look from outside of the gateway, which may be running: nothing is made, ended or taken back. */
export function lookIntoVault({
  rows,
  place,
}: Pick<VaultParts, 'rows' | 'place'>): { readonly ok: true; readonly read: Vault['read'] } | Refused {
  const wanted = new Set(rows.all().map((row) => row.keyId))
  const read = readKey(place.file)
  const keys = [read, ...(isDescriptor(place.file) ? [] : [readKey(nextOf(place.file))])]
  const key = keys.find((one) => one.ok && onlyUnder(wanted, one.master))
  if (key?.ok === true) return { ok: true, read: (kind, id) => readRow(rows, key.master, kind, id) }
  if (wanted.size === 0) return { ok: true, read: () => ({ kind: 'absent' }) }
  return { ok: false, why: read.ok ? otherKey(place, read.master, wanted) : read.why }
}

type FoundKey = { readonly master: MasterKey } | Refused

/** The key that the secrets are under. Where a rotation was cut off, it is brought to its end or taken back. */
function findKey({ rows, place }: VaultParts): FoundKey {
  const wanted = new Set(rows.all().map((row) => row.keyId))
  const read = readKey(place.file)
  if (read.ok && (wanted.size === 0 || onlyUnder(wanted, read.master))) {
    if (!isDescriptor(place.file)) dropNext(place.file)
    return read
  }
  const next = isDescriptor(place.file) ? undefined : readKey(nextOf(place.file))
  if (next?.ok === true && onlyUnder(wanted, next.master)) {
    takeNext(place.file)
    return next
  }
  if (read.ok) return { ok: false, why: otherKey(place, read.master, wanted) }
  if (read.kind === 'bad') return { ok: false, why: read.why }
  return wanted.size === 0 ? firstKey(place) : { ok: false, why: lostKey(place, wanted) }
}

const onlyUnder = (wanted: ReadonlySet<string>, key: MasterKey): boolean => wanted.size === 1 && wanted.has(key.id)

function firstKey({ file, isNamed }: KeyPlace): FoundKey {
  // Made by us it would lie under the mount point of a disk that is not there.
  if (isNamed)
    return { ok: false, why: `there is no master key at ${file}; make one: openssl rand -base64 32 > ${file}` }
  const made = makeKey(file)
  return made.ok ? made : { ok: false, why: made.why }
}

const otherKey = ({ file }: KeyPlace, key: MasterKey, wanted: ReadonlySet<string>): string =>
  `${file} holds the master key ${key.id}, and the secrets are under ${[...wanted].join(', ')}: bring that key back, or see docs/secrets.md for a start without`

const lostKey = ({ file }: KeyPlace, wanted: ReadonlySet<string>): string =>
  `there is no master key at ${file}, and the secrets are under ${[...wanted].join(', ')}: bring it back, or see docs/secrets.md for a start without`

function makeVault({ rows, place, now }: VaultParts, first: MasterKey): Vault {
  let master = first
  return {
    get keyId() {
      return master.id
    },
    read: (kind, id) => readRow(rows, master, kind, id),
    write(kind, id, value, by) {
      const version = (rows.get(kind, id)?.version ?? 0) + 1
      rows.put({ ...seal(master, { kind, id, version }, value), at: now(), by })
      return version
    },
    remove: (kind, id) => rows.remove(kind, id),
    list: (kind) =>
      rows
        .all()
        .flatMap((row) => (row.kind === kind ? [{ name: row.id, version: row.version, at: row.at, by: row.by }] : [])),
    rotate() {
      const rotated = rotate(rows, place, master)
      if ('why' in rotated) return rotated
      master = rotated.master
      return { ok: true, keyId: master.id, secrets: rotated.secrets }
    },
  }
}

function readRow(rows: Pick<Rows, 'get'>, master: MasterKey, kind: string, id: string): Secret {
  const row = rows.get(kind, id)
  if (row === undefined) return { kind: 'absent' }
  // What was asked for, not what the row says that it is.
  const value = open(master, { ...row, kind, id })
  return value === undefined ? { kind: 'unknown', why: damaged(kind, id) } : { kind: 'found', value }
}

const damaged = (kind: string, id: string): string =>
  `the secret ${id} (${kind}) does not open: its row was changed or belongs to another`

/** New key on the disk, secrets under it in one commit, then the new key in the place of the old one: `findKey` ends what is cut off. */
function rotate(
  rows: Rows,
  { file }: KeyPlace,
  master: MasterKey,
): { readonly master: MasterKey; readonly secrets: number } | Refused {
  if (isDescriptor(file))
    return { ok: false, why: 'the master key came by a file descriptor: give a file with --key-file to exchange it' }
  dropNext(file)
  const next = makeKey(nextOf(file))
  if (!next.ok) return { ok: false, why: next.why }
  const before = rows.all()
  const after = before.flatMap((row) => {
    const again = rewrap(master, next.master, row)
    return again === undefined ? [] : [{ ...row, ...again }]
  })
  if (after.length !== before.length) {
    dropNext(file)
    const lost = before.filter((row) => !after.some((one) => one.kind === row.kind && one.id === row.id))
    return { ok: false, why: lost.map((row) => damaged(row.kind, row.id)).join('; ') }
  }
  rows.rewrite(after)
  takeNext(file)
  return { master: next.master, secrets: after.length }
}
