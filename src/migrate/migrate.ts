/**
 * The mailbox move, as the rest of Causeway holds it: batches are made, started, watched and completed; the work itself goes on in a
 * thread of its own.
 *
 * Promises: whatever happens in that thread, the main one goes on; passwords leave the main thread sealed or not at all on disk.
 * Never: keeps the key of a batch that is done.
 * On failure: an order that is refused says why and what to do; when the thread is gone, asking rejects with MoveNotDone.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Vault } from '../secrets/vault/vault.ts'
import {
  type BatchView,
  batchKeyBytes,
  composeLetter,
  migrateFile,
  type Ordered,
  type SecretAnswer,
  type Sent,
  type Settings,
} from './batch/batch.ts'
import type { Answer, Arguments, Verb } from './messages.ts'
import { MoveNotDone, Thread } from './thread.ts'

export {
  type Active,
  type BatchView,
  batchStatuses,
  type CsvProblem,
  type Ordered,
  type ReportFiles,
  type Sent,
  type Settings,
  settingsSchema,
  some,
  type UserDetail,
  type UserView,
  userStatuses,
} from './batch/batch.ts'
export { MoveNotDone }

export type MigrationsOptions = {
  /** The data folder; the caller has claimed it for this process. */
  readonly dir: string
  readonly vault: Vault
  /** Hands a report to the gateway's own mail. */
  readonly sendReport: (letter: { readonly to: readonly string[]; readonly raw: Buffer }) => Promise<Sent>
  /** Our name, for the reports. */
  readonly hostname: () => string
  readonly now?: () => number
  /** Of the thread's heap alone; contents of messages lie outside of it, bounded by the engine. 512 when absent. */
  readonly heapMb?: number
  /** Hears sentences for the log. */
  readonly onTrouble?: (why: string) => void
}

export type NewBatch = {
  readonly name: string
  readonly csv: Buffer
  readonly settings: Settings
  readonly by: string
  /** Looked at, and not made. */
  readonly isTrial?: boolean
}

export type RetryOrder = {
  readonly name: string
  readonly by: string
  readonly emails?: readonly string[]
  readonly csv?: Buffer
  readonly skipped?: boolean
}

type Asked<K extends Verb> = (...args: Arguments<K>) => Promise<Answer<K>>

export type Migrations = {
  create(batch: NewBatch): Promise<Ordered>
  retry(order: RetryOrder): Promise<Ordered>
  readonly change: Asked<'change'>
  readonly check: Asked<'check'>
  readonly start: Asked<'start'>
  readonly pause: Asked<'pause'>
  readonly stop: Asked<'stop'>
  readonly resume: Asked<'resume'>
  readonly complete: Asked<'complete'>
  readonly remove: Asked<'remove'>
  readonly sendReport: Asked<'sendReport'>
  readonly list: Asked<'list'>
  readonly show: Asked<'show'>
  readonly proposed: Asked<'proposed'>
  readonly users: Asked<'users'>
  readonly user: Asked<'user'>
  readonly skipped: Asked<'skipped'>
  readonly report: Asked<'report'>
  /** As it was a second ago, while something goes on: cheap to ask for, again and again. */
  progress(name: string): Promise<BatchView | undefined>
  close(): Promise<void>
}

export type OpenedMigrations =
  | { readonly ok: true; readonly migrations: Migrations }
  | { readonly ok: false; readonly why: string }

/** Keys of batches in the vault, apart from what belongs to the project. */
const keyKind = 'batch'
const freshMs = 2500

export async function openMigrations(o: MigrationsOptions): Promise<OpenedMigrations> {
  const { vault } = o
  const now = o.now ?? Date.now
  const told = new Map<string, { readonly view: BatchView; readonly at: number }>()
  const thread = new Thread({
    dir: o.dir,
    keys: () => keysOf(vault),
    keepKeys: (inUse) => keepKeys(vault, inUse),
    forgetKey: (keyId) => void vault.remove(keyKind, keyId),
    secret: (name) => secretOf(vault, name),
    sendReport: (letter) => o.sendReport({ to: letter.to, raw: composeLetter(letter, o.hostname(), new Date(now())) }),
    onProgress(batches) {
      told.clear()
      for (const view of batches) told.set(view.name.toLowerCase(), { view, at: now() })
    },
    onTrouble: o.onTrouble ?? (() => {}),
    heapMb: o.heapMb ?? 512,
  })
  // Where nothing was ever moved, nothing is kept ready for it.
  let opening = existsSync(migrateFile(o.dir)) ? thread.open() : undefined
  const why = await opening
  if (why !== undefined) return { ok: false, why }
  const ready = async (): Promise<void> => {
    opening ??= thread.open()
    const trouble = await opening
    if (trouble === undefined) return
    opening = undefined
    throw new MoveNotDone(trouble)
  }
  const asked =
    <K extends Verb>(verb: K): Asked<K> =>
    (...args) =>
      ready().then(() => thread.ask(verb, args))
  const show = asked('show')
  return {
    ok: true,
    migrations: {
      async create(batch) {
        await ready()
        return create(thread, vault, batch)
      },
      async retry(order) {
        await ready()
        return retry(thread, vault, order)
      },
      change: asked('change'),
      check: asked('check'),
      start: asked('start'),
      pause: asked('pause'),
      stop: asked('stop'),
      resume: asked('resume'),
      complete: asked('complete'),
      remove: asked('remove'),
      sendReport: asked('sendReport'),
      list: asked('list'),
      show,
      proposed: asked('proposed'),
      users: asked('users'),
      user: asked('user'),
      skipped: asked('skipped'),
      report: asked('report'),
      async progress(name) {
        const known = told.get(name.toLowerCase())
        return known !== undefined && now() - known.at < freshMs ? known.view : show(name)
      },
      close: () => thread.close(),
    },
  }
}

/** The key lies in the vault before anything is sealed under it. */
async function withNewKey<T extends { readonly ok: boolean }>(
  vault: Vault,
  by: string,
  work: (key: Buffer, keyId: string) => Promise<T>,
  isTaken: (answer: T) => boolean,
): Promise<T> {
  const [key, keyId] = [randomBytes(batchKeyBytes), randomUUID()]
  vault.write(keyKind, keyId, key, by)
  // Where no answer comes, nobody knows whether it was done: the key stays, and the next start of the thread sees whether it is needed.
  const answer = await work(key, keyId)
  if (!isTaken(answer)) vault.remove(keyKind, keyId)
  return answer
}

async function create(thread: Thread, vault: Vault, batch: NewBatch): Promise<Ordered> {
  const { isTrial = false, ...rest } = batch
  if (isTrial) return thread.ask('create', [{ ...rest, isTrial, key: Buffer.alloc(0), keyId: '' }])
  const ask = (key: Buffer, keyId: string): Promise<Ordered> =>
    thread.ask('create', [{ ...rest, isTrial, key, keyId }], [keyId, key])
  return withNewKey(vault, batch.by, ask, ({ ok }) => ok)
}

async function retry(thread: Thread, vault: Vault, order: RetryOrder): Promise<Ordered> {
  const { skipped = false, ...rest } = order
  if (order.csv === undefined) return thread.ask('retry', [{ ...rest, skipped, key: Buffer.alloc(0), keyId: '' }])
  const ask = (key: Buffer, keyId: string) => thread.ask('retry', [{ ...rest, skipped, key, keyId }], [keyId, key])
  return withNewKey(vault, order.by, ask, (answer) => answer.ok && answer.keyTaken)
}

function keysOf(vault: Vault): readonly (readonly [string, Uint8Array])[] {
  return vault.list(keyKind).flatMap(({ name }) => {
    const found = vault.read(keyKind, name)
    return found.kind === 'found' ? [[name, found.value] as const] : []
  })
}

/** A crash may have come between the last pass and the forgetting. */
function keepKeys(vault: Vault, inUse: readonly string[]): void {
  for (const { name } of vault.list(keyKind)) if (!inUse.includes(name)) vault.remove(keyKind, name)
}

/** Those that an operator has set, and no others. */
const secretOf = (vault: Vault, name: string): SecretAnswer => vault.read('project', name)
