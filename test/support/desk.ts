/** The desk of the API without a gateway around it: real store, queue and audit; a clock that a test sets; nobody listens. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildApi, type Desk } from '../../src/api/api.ts'
import { openMigrations } from '../../src/migrate/migrate.ts'
import { loadProject, openLiveProject } from '../../src/project/project.ts'
import { type NewMessage, type NewRecipient, openQueue, type Queue } from '../../src/queue/queue.ts'
import { account, noCounts } from '../../src/relay/record/record.ts'
import { keyPlace, openVault } from '../../src/secrets/vault/vault.ts'
import { claimFolder, type Db, makeAudit, openStore, sealedSecrets } from '../../src/store/store.ts'
import type { TraceEvent } from '../../src/trace/trace.ts'
import { layProject } from './commands.ts'

const token = 'only-for-this-test'

export type Answered = { readonly status: number; readonly json: ReturnType<typeof JSON.parse>; readonly text: string }
export type Told = readonly [level: string, what: string, facts: Readonly<Record<string, unknown>>]

export type DeskStage = AsyncDisposable & {
  readonly desk: Desk
  readonly queue: Queue
  readonly db: Db
  /** Holds the project and the data folder `data`. */
  readonly dir: string
  readonly log: readonly Told[]
  /** What the trace was told. */
  readonly events: readonly TraceEvent[]
  /** How often next hops in trouble were to be tried at once. */
  readonly lanes: { readonly tried: number }
  /** What the disk watch says. */
  readonly disk: { isLow: boolean; why: string; freeBytes: number }
  /** What the listener says. */
  readonly listener: { isListening: boolean; full: string | undefined }
  /** Moves the clock on. */
  pass(ms: number): void
  ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Answered>
  /** Into the queue. */
  put(message: Partial<NewMessage> & { readonly to?: readonly Partial<NewRecipient>[] }): Promise<string>
}

export async function setDesk(): Promise<DeskStage> {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-desk-'))
  const data = join(dir, 'data')
  const clock = { at: Date.parse('2026-11-23T08:00:00Z') }
  const opened = openStore(data)
  assert.ok(opened.ok)
  const kept = openVault({
    rows: sealedSecrets(opened.db),
    place: keyPlace(data, undefined),
    now: () => clock.at,
  })
  assert.ok(kept.ok)
  const { vault } = kept
  const live = openLiveProject(
    opened.db,
    () => clock.at,
    (name) => vault.read('project', name),
  )
  const loaded = loadProject(layProject(dir, 2525))
  assert.ok(loaded.ok)
  live.adopt(loaded.value, 'test')
  const opening = await openQueue({ dir: data, now: () => clock.at, sweepMs: 0 })
  assert.ok(opening.ok, opening.ok ? '' : opening.why)
  const { queue } = opening
  const moving = await openMigrations({
    dir: data,
    vault,
    hostname: () => 'gw.example.net',
    sendReport: async () => ({ ok: true }),
  })
  assert.ok(moving.ok, moving.ok ? '' : moving.why)
  const disk = { isLow: false, why: '', freeBytes: 5e9 }
  const listener: DeskStage['listener'] = { isListening: true, full: undefined }
  const log: Told[] = []
  const events: TraceEvent[] = []
  const lanes = { tried: 0 }
  const atStart = await queue.totals()
  const counts = noCounts()
  const desk: Desk = {
    isToken: (presented) => presented === token,
    live,
    queue,
    disk: watched(disk),
    migrations: moving.migrations,
    audit: makeAudit(opened.db, () => clock.at),
    tryLanes: () => void (lanes.tried += 1),
    trace: { ...silentTrace, write: (written) => void events.push(...written) },
    resolver: noResolver,
    passKey: Buffer.alloc(32),
    vault,
    figures: () => ({
      counts,
      account: account({ ...counts, recipientsAccepted: queue.figures.taken }, atStart, queue.figures),
      connections: 0,
      hops: [],
      limits: { recipients: 3 },
      ...listener,
    }),
    now: () => new Date(clock.at),
    log: (level, what, facts = {}) => void log.push([level, what, facts]),
  }
  const api = buildApi(desk)
  await api.ready()
  let made = 0
  return {
    desk,
    queue,
    db: opened.db,
    dir,
    log,
    events,
    lanes,
    disk,
    listener,
    pass: (ms) => void (clock.at += ms),
    async ask(method, path, body) {
      const headers = { authorization: `Bearer ${token}`, 'causeway-operator': 'ann' }
      const answer = await api.inject({ method, url: path, headers, ...(body === undefined ? {} : { body }) })
      const isJson = String(answer.headers['content-type']).includes('json')
      return { status: answer.statusCode, text: answer.body, json: isJson ? JSON.parse(answer.body) : undefined }
    },
    async put({ to = [{}], ...message }) {
      made += 1
      const whole = { ...aMessage, id: `m${made}`, ...message, recipients: to.map((r) => ({ ...aRecipient, ...r })) }
      const answer = await queue.put({ ...whole, recipients: whole.recipients.map(withDomain) })
      assert.ok(answer.ok, answer.ok ? '' : answer.why)
      return whole.id
    },
    async [Symbol.asyncDispose]() {
      await api.close()
      await moving.migrations.close()
      await queue.close()
      opened.db.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** For commands: where a running API is, as `causeway serve` leaves it. Its folder is taken until the answer is called. */
export function leaveAddress(data: string, url: string): () => void {
  const claim = claimFolder(data)
  assert.ok(claim.ok)
  writeFileSync(join(data, 'api.url'), `${url}\n`)
  writeFileSync(join(data, 'api.token'), `${token}\n`)
  return () => claim.release()
}

const aMessage: NewMessage = {
  id: '',
  sender: 'ann@tenant1.example',
  peer: 'tenant1',
  messageId: '<one@tenant1.example>',
  subject: 'Hello',
  envelope: '{}',
  content: [Buffer.from('Subject: Hello\r\n\r\nHello\r\n')],
  recipients: [],
}

const aRecipient: NewRecipient = {
  address: 'bob@partner.example',
  domain: '',
  facts: '{}',
  lane: 'mx:partner.example',
  state: 'waiting',
  attempts: 1,
  reply: '451 4.3.0 later',
  why: 'the next hop said so',
}

const withDomain = (r: NewRecipient): NewRecipient => ({ ...r, domain: r.address.slice(r.address.indexOf('@') + 1) })

/** What it says now, not what it said when it was made. */
function watched(disk: DeskStage['disk']): Desk['disk'] {
  return {
    get isLow() {
      return disk.isLow
    },
    get why() {
      return disk.why
    },
    get freeBytes() {
      return disk.freeBytes
    },
    look: async () => {},
    close: () => {},
  }
}

const silentTrace: Desk['trace'] = {
  write: () => {},
  find: async () => [],
  flush: async () => {},
  close: async () => {},
  stats: () => ({ stored: 0, dropped: 0, waiting: 0 }),
}

const nothing = async () => ({ kind: 'absent' }) as const
const noResolver: Desk['resolver'] = {
  mx: nothing,
  addresses: nothing,
  txt: nothing,
  ns: nothing,
  cname: nothing,
  records: async () => ({ kind: 'absent', nameExists: false }),
  close: () => {},
}
