/**
 * Who is worked on when. What is due goes as soon as both servers and the batch have a free place; a mailbox that waits holds up
 * no other. All that must survive is in the file: after a restart it goes on from there.
 */
import { allBatches, type Sums, sumsOf } from './batches.ts'
import { checkWork } from './check-work.ts'
import { noPasswords } from './errand.ts'
import type { Ground, Live } from './ground.ts'
import { dueMailboxes, nextDue, provenForms, setForm, setState, setToCheck, toCheck } from './mailboxes.ts'
import { type MailboxPace } from './pace.ts'
import { passWork } from './pass-work.ts'
import { type Meter, makeMeter } from './rates.ts'
import { makeReach, type Reach } from './reach.ts'
import { serverKeys } from './server-keys.ts'
import { makeServers, type Servers } from './servers.ts'
import { type Settings, serverName } from './settings.ts'
import { standBatch, tendBatches } from './stand.ts'
import type { Batch, MailboxRow } from './tables.ts'
import { makeWatchers, type Watchers } from './watchers.ts'

type Kind = Live['kind']
type Running = {
  readonly live: Live
  readonly abort: AbortController
  readonly pace: MailboxPace
  readonly servers: readonly string[]
  readonly isFirst: boolean
  ended: Promise<void>
}

/** Deaths of the thread while a mailbox was worked on, after which it is left alone. */
const mostCrashes = 4
/** Batches that begin, resume or complete at a time are looked for this often. */
const idleMs = 5000
/** Who has been asked to wait longer than this leaves its place to others meanwhile. */
const placeKeptMs = 15_000
const quickMs = 10

export class Scheduler {
  readonly ground: Ground
  readonly servers: Servers
  readonly reach: Reach
  readonly #meters = new Map<number, Meter>()
  readonly #sums = new Map<number, { readonly sums: Sums; readonly until: number }>()
  readonly #running = new Map<number, Running>()
  readonly #watchers: Watchers
  #timer: NodeJS.Timeout | undefined
  #isDue = false
  #isClosing = false

  constructor(ground: Ground) {
    this.ground = ground
    this.servers = makeServers(ground.db, ground.now)
    this.reach = makeReach({
      open: ground.engine.open,
      keys: serverKeys(ground),
      proven: (batch, side) => provenForms(ground.db, batch, side),
      onWorked: (mailbox, side, form) => setForm(ground.db, mailbox, side, form),
      betweenTriesMs: ground.betweenTriesMs ?? 1500,
    })
    this.#watchers = makeWatchers(ground, () => this.kick())
  }

  /** Something may be due. */
  kick(): void {
    if (this.#isDue || this.#isClosing) return
    this.#isDue = true
    setImmediate(() => this.#round())
  }

  running(batch: number): readonly Live[] {
    return [...this.#running.values()].flatMap(({ live, pace }) => (live.batch === batch ? [shown(live, pace)] : []))
  }

  /** Over a large batch it takes a while: then it is not counted anew for each look. */
  sums(batch: number): Sums {
    const known = this.#sums.get(batch)
    const began = performance.now()
    if (known !== undefined && began < known.until) return known.sums
    const sums = sumsOf(this.ground.db, batch)
    const took = performance.now() - began
    this.#sums.set(batch, { sums, until: took < quickMs ? 0 : performance.now() + 50 * took })
    return sums
  }

  meter(batch: number): Meter {
    const found = this.#meters.get(batch) ?? makeMeter(this.ground.now)
    this.#meters.set(batch, found)
    return found
  }

  /** Breaks off what goes on in a batch; resolves when it has ended. */
  async halt(batch: number): Promise<void> {
    this.#watchers.end(batch)
    await this.#breakOff([...this.#running.values()].filter(({ live }) => live.batch === batch))
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#timer)
    this.#watchers.close()
    await this.#breakOff([...this.#running.values()])
    this.servers.keep()
  }

  async #breakOff(those: readonly Running[]): Promise<void> {
    for (const { abort } of those) abort.abort()
    await Promise.all(those.map(({ ended }) => ended))
  }

  #round(): void {
    this.#isDue = false
    if (this.#isClosing) return
    try {
      tendBatches(this.ground)
      const batches = allBatches(this.ground.db)
      for (const batch of batches) this.#beginSome(batch)
      this.servers.keep()
      this.#sleep(batches)
    } catch (error) {
      // The disk, mostly. What is due stays due.
      this.ground.onTrouble(error instanceof Error ? error.message : String(error))
      this.#wakeIn(idleMs)
    }
  }

  /** Those that are followed are few and quick: a part of the places is theirs, or they would wait for the last first pass. */
  #beginSome(batch: Batch): void {
    const { settings } = batch
    const { db, now } = this.ground
    const most = settings?.concurrency ?? 1
    const limit = most + this.#running.size
    for (const mailbox of toCheck(db, batch.id, limit)) this.#offer(batch, mailbox, 'check')
    if (batch.wish !== 'running' && batch.wish !== 'completing') return
    const firsts = dueMailboxes(db, batch.id, { now: now(), isFirst: true, limit })
    const others = dueMailboxes(db, batch.id, { now: now(), isFirst: false, limit })
    const theirs = firsts.length === 0 ? most : Math.max(1, Math.floor(most / 4))
    for (const mailbox of others)
      if (this.#count(batch, (one) => !one.isFirst) < theirs) this.#offer(batch, mailbox, 'pass')
    for (const mailbox of firsts) this.#offer(batch, mailbox, 'pass')
  }

  #count(batch: Batch, which: (one: Running) => boolean): number {
    return [...this.#running.values()].filter(
      (one) => one.live.batch === batch.id && !isResting(one.pace) && which(one),
    ).length
  }

  #offer(batch: Batch, mailbox: MailboxRow, kind: Kind): void {
    if (this.#running.has(mailbox.id)) return
    const { settings } = batch
    if (settings === undefined) return this.#corrupt(mailbox)
    if (mailbox.crashes >= mostCrashes) return this.#giveUp(batch, mailbox)
    // Of those that were worked on whenever the thread died, one is the cause: they go one at a time.
    if (mailbox.crashes > 1 && this.#running.size > 0) return
    if (this.#hasRoom(batch, settings)) this.#begin(batch, settings, mailbox, kind)
  }

  #hasRoom(batch: Batch, settings: Settings): boolean {
    if (this.#count(batch, () => true) >= settings.concurrency) return false
    // Those that rest keep a connection or two: not too many of them.
    if (this.running(batch.id).length >= 3 * settings.concurrency) return false
    return [settings.source, settings.target].every((server) =>
      this.servers.gate(server).hasRoom(this.#atServer(serverName(server))),
    )
  }

  #atServer(server: string): number {
    return [...this.#running.values()].filter(({ servers, pace }) => servers.includes(server) && !isResting(pace))
      .length
  }

  #begin(batch: Batch, settings: Settings, mailbox: MailboxRow, kind: Kind): void {
    const { ground, reach } = this
    this.#watchers.stop(mailbox.id)
    const abort = new AbortController()
    const running: Running = {
      live: { mailbox: mailbox.id, batch: batch.id, email: mailbox.email, kind, since: ground.now() },
      abort,
      pace: this.servers.pace(settings.target, mailbox.id),
      servers: [serverName(settings.source), serverName(settings.target)],
      isFirst: mailbox.firstSyncedAt === undefined,
      ended: Promise.resolve(),
    }
    this.#running.set(mailbox.id, running)
    const errand = { ground, reach, batch, settings, mailbox, pace: running.pace, signal: abort.signal }
    const work = kind === 'check' ? this.#check(errand) : this.#pass(errand, running.live)
    running.ended = work
      .catch((error: unknown) => this.#broken(mailbox, error))
      .finally(() => {
        this.#running.delete(mailbox.id)
        this.kick()
      })
  }

  async #pass(errand: Parameters<typeof passWork>[0]['errand'], live: Live): Promise<void> {
    const { batch, settings, mailbox } = errand
    const ends = await passWork({
      errand,
      live,
      meter: this.meter(batch.id),
      isClosing: () => this.#isClosing,
      onBusy: (side) => {
        for (const one of ['source', 'target'] as const)
          if (side === '' || side === one)
            this.servers.gate(settings[one]).busy(this.#atServer(serverName(settings[one])))
      },
    })
    if (ends !== undefined && settings.intervalMinutes === 0 && !this.#isClosing)
      this.#watchers.watch(batch.id, mailbox.id, ends.source)
  }

  #check(errand: Parameters<typeof passWork>[0]['errand']): Promise<void> {
    return checkWork({ ...errand, onProgress: () => {} }, () => this.#isClosing)
  }

  /** The disk, or a mistake of ours: it is tried again, and not at once. */
  #broken(mailbox: MailboxRow, error: unknown): void {
    const { db, now, onTrouble } = this.ground
    onTrouble(`${mailbox.email}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    const why = 'tried again in 5m: something went wrong on our side; the log of the gateway says what'
    try {
      setState(db, mailbox.id, { status: 'Queued', why, at: now(), nextAt: now() + 5 * 60_000 })
    } catch {
      // The file is at fault; what stands in it is tried again when it can be read.
    }
  }

  #giveUp(batch: Batch, mailbox: MailboxRow): void {
    const what = `the engine stopped ${mostCrashes} times while it worked on this mailbox`
    const remedy = `the log of the gateway says why; then: causeway migrate retry ${batch.name}`
    const trouble = { ...noPasswords(batch.name), kind: 'hostile', what, remedy }
    setState(this.ground.db, mailbox.id, { status: 'Failed', why: what, at: this.ground.now(), nextAt: null, trouble })
    setToCheck(this.ground.db, mailbox.id, false)
    standBatch(this.ground, batch.id)
  }

  #corrupt(mailbox: MailboxRow): void {
    const why = 'the settings of the batch cannot be read'
    setState(this.ground.db, mailbox.id, { status: 'Corrupted', why, at: this.ground.now(), nextAt: null })
    setToCheck(this.ground.db, mailbox.id, false)
  }

  /** What is due and found no place is looked at again when one is free, or after a moment: places grow by themselves. */
  #sleep(batches: readonly Batch[]): void {
    const { db, now } = this.ground
    const moving = batches.filter(({ wish }) => wish === 'running' || wish === 'completing')
    const due = moving.flatMap(({ id }) => nextDue(db, id, now()) ?? [])
    this.#wakeIn(Math.min(Math.max(Math.min(...due) - now(), 50), idleMs))
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer)
    if (!this.#isClosing) this.#timer = setTimeout(() => this.kick(), ms)
  }
}

const isResting = (pace: MailboxPace): boolean => pace.waitMs() > placeKeptMs

/** What the pace waits for is told, too, where the engine does not know. */
function shown(live: Live, pace: MailboxPace): Live {
  const { progress } = live
  const paused = pace.waiting()
  if (progress === undefined || progress.waiting !== undefined || paused === undefined) return live
  return { ...live, progress: { ...progress, waiting: paused } }
}
