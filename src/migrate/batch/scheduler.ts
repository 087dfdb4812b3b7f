/**
 * Who is worked on when. What is due goes as soon as both servers and the batch have a free place; a mailbox that waits holds up
 * no other. All that must survive is in the file: after a restart it goes on from there.
 */
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import { allBatches, batchById } from './batches.ts'
import { type Conclusion, concludeDone, concludeFailed, concludeStopped, type Ended } from './conclude.ts'
import { type Ends, type Errand, endsOf, noPasswords, runPass, runSurvey } from './errand.ts'
import type { Gate } from './gate.ts'
import type { Ground, Live } from './ground.ts'
import {
  batchesToCheck,
  beginPass,
  dueMailboxes,
  endPass,
  mailboxById,
  nextDue,
  provenForms,
  setForm,
  setState,
  setSurvey,
  setSynced,
  setTally,
  setToCheck,
  toCheck,
} from './mailboxes.ts'
import { bytesText, some } from './plural.ts'
import { proofOf } from './proof.ts'
import { type Meter, makeMeter } from './rates.ts'
import { makeReach, type Reach } from './reach.ts'
import { serverKeys } from './server-keys.ts'
import { makeServers, type Servers } from './servers.ts'
import type { Settings } from './settings.ts'
import { standBatch, tendBatches } from './stand.ts'
import type { Batch, MailboxRow } from './tables.ts'
import { makeWatchers, type Watchers } from './watchers.ts'

type Running = {
  readonly live: Live
  readonly abort: AbortController
  readonly ended: Promise<void>
  readonly waiting: () => Live['progress']
}

export class Scheduler {
  readonly ground: Ground
  readonly servers: Servers
  readonly reach: Reach
  readonly meters = new Map<number, Meter>()
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
    return [...this.#running.values()].flatMap(({ live, waiting }) => {
      if (live.batch !== batch) return []
      const progress = waiting()
      return [progress === undefined ? live : { ...live, progress }]
    })
  }

  meter(batch: number): Meter {
    const found = this.meters.get(batch) ?? makeMeter(this.ground.now)
    this.meters.set(batch, found)
    return found
  }

  /** Breaks off what goes on in a batch; resolves when it has ended. */
  async halt(batch: number): Promise<void> {
    this.#watchers.end(batch)
    const those = [...this.#running.values()].filter(({ live }) => live.batch === batch)
    for (const { abort } of those) abort.abort()
    await Promise.all(those.map(({ ended }) => ended))
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#timer)
    this.#watchers.close()
    const those = [...this.#running.values()]
    for (const { abort } of those) abort.abort()
    await Promise.all(those.map(({ ended }) => ended))
    this.servers.keep()
  }

  #round(): void {
    this.#isDue = false
    if (this.#isClosing) return
    try {
      this.#beginSome()
      tendBatches(this.ground)
      this.servers.keep()
      this.#sleep()
    } catch (error) {
      // The disk, mostly. What is due stays due.
      this.ground.onTrouble(error instanceof Error ? error.message : String(error))
      this.#wakeIn(5000)
    }
  }

  #beginSome(): void {
    const { db, now } = this.ground
    const batches = new Map(allBatches(db).map((batch) => [batch.id, batch]))
    for (const id of batchesToCheck(db))
      for (const mailbox of toCheck(db, id, 50)) this.#offer(batches.get(id), mailbox, 'check')
    for (const mailbox of dueMailboxes(db, now(), 500)) this.#offer(batches.get(mailbox.batch), mailbox, 'pass')
  }

  #offer(batch: Batch | undefined, mailbox: MailboxRow, kind: 'pass' | 'check'): void {
    if (batch === undefined || this.#running.has(mailbox.id)) return
    const { settings } = batch
    if (settings === undefined) return this.#corrupt(mailbox, 'the settings of the batch cannot be read')
    // Of those that were worked on whenever the thread died, one is the cause: they go one at a time.
    if (mailbox.crashes >= mostCrashes) return this.#giveUp(batch, mailbox)
    if (mailbox.crashes > 1 && this.#running.size > 0) return
    const gates = [this.servers.gate(settings.source), this.servers.gate(settings.target)]
    if (!this.#hasRoom(batch, settings, mailbox, gates)) return
    this.#begin(batch, settings, mailbox, kind, gates)
  }

  /** First passes may not take every place while others wait for their next one. */
  #hasRoom(batch: Batch, settings: Settings, mailbox: MailboxRow, gates: readonly Gate[]): boolean {
    const mine = [...this.#running.values()].filter(({ live }) => live.batch === batch.id)
    if (mine.length >= settings.concurrency) return false
    const isFirst = mailbox.firstSyncedAt === undefined
    const reserved = isFirst && settings.concurrency > 3 && batch.firstDoneAt !== undefined ? 1 : 0
    return mine.length + reserved < settings.concurrency && gates.every((gate) => gate.hasRoom())
  }

  #begin(batch: Batch, settings: Settings, mailbox: MailboxRow, kind: 'pass' | 'check', gates: readonly Gate[]): void {
    const { now } = this.ground
    const abort = new AbortController()
    const pace = this.servers.pace(settings.target, mailbox.id)
    const live: Live = { mailbox: mailbox.id, batch: batch.id, email: mailbox.email, kind, since: now() }
    const count = this.#counting(batch, mailbox, live)
    const { ground, reach } = this
    const errand = { ground, reach, batch, settings, mailbox, pace, signal: abort.signal, onProgress: count }
    for (const gate of gates) gate.enter()
    this.#watchers.stop(mailbox.id)
    const work = kind === 'pass' ? this.#pass(errand, gates) : this.#check(errand)
    const ended = work
      .catch((error: unknown) => ground.onTrouble(`${mailbox.email}: ${String(error)}`))
      .finally(() => {
        for (const gate of gates) gate.leave()
        this.#running.delete(mailbox.id)
        this.kick()
      })
    const waiting = (): Live['progress'] => {
      const paused = pace.waiting()
      if (live.progress === undefined || live.progress.waiting !== undefined || paused === undefined)
        return live.progress
      return { ...live.progress, waiting: paused }
    }
    this.#running.set(mailbox.id, { live, abort, ended, waiting })
  }

  /** What the engine tells, into the meters and, now and then, into the file. */
  #counting(batch: Batch, mailbox: MailboxRow, live: Live): Errand['onProgress'] {
    const { db, ledger, now } = this.ground
    const meter = this.meter(batch.id)
    const before = ledger.counts(mailbox.id)
    let last = { messages: 0, bytes: 0 }
    let keptAt = now()
    let isSyncing = false
    return (p) => {
      meter.add(p.messagesDone - last.messages, p.bytesDone - last.bytes)
      last = { messages: p.messagesDone, bytes: p.bytesDone }
      live.progress = p
      if (!isSyncing && mailbox.firstSyncedAt === undefined && batch.wish === 'running') {
        isSyncing = true
        setState(db, mailbox.id, { status: 'Syncing', why: 'the first pass goes on', at: now() })
        standBatch(this.ground, batch.id)
      }
      if (now() - keptAt < keepEveryMs) return
      keptAt = now()
      const size = { allMessages: before.messages + p.messages, allBytes: before.bytes + p.bytes }
      setTally(db, mailbox.id, { ...ledger.counts(mailbox.id), ...size })
    }
  }

  async #pass(errand: Errand, gates: readonly Gate[]): Promise<void> {
    const { ground, batch, mailbox } = errand
    const { db, now, ledger } = ground
    const beganAt = now()
    const ends = endsOf(errand)
    if (ends === undefined) {
      const trouble = noPasswords(batch.name)
      setState(db, mailbox.id, { status: 'Failed', why: trouble.what, at: beganAt, nextAt: null, trouble })
      return standBatch(ground, batch.id)
    }
    beginPass(db, mailbox.id, beganAt)
    setState(db, mailbox.id, { status: beginning(batch, mailbox), why: 'a pass goes on', at: beganAt })
    standBatch(ground, batch.id)
    const before = ledger.counts(mailbox.id)
    const outcome = await runPass(errand, ends)
    const counts = ledger.counts(mailbox.id)
    // As it is on disk now: somebody may have stopped the batch meanwhile.
    const [batchNow, mailboxNow] = [batchById(db, batch.id), mailboxById(db, mailbox.id)]
    if (batchNow === undefined || mailboxNow === undefined) return
    const ended = { batch: batchNow, mailbox: mailboxNow, beganAt, now: now(), waitMs: errand.pace.waitMs() }
    const { live } = this.#running.get(mailbox.id) ?? {}
    const p = live?.progress
    const size =
      outcome.kind === 'done' || p === undefined
        ? counts
        : { messages: before.messages + p.messages, bytes: before.bytes + p.bytes }
    setTally(db, mailbox.id, { ...counts, allMessages: size.messages, allBytes: size.bytes })
    // The process ends: the pass goes on at the next start.
    if (outcome.kind === 'stopped' && this.#isClosing) return
    const conclusion = await this.#conclude(errand, ends, ended, outcome, gates)
    endPass(db, mailbox.id, { failures: conclusion.failures, ms: now() - beganAt })
    if (conclusion.isSynced) setSynced(db, mailbox.id, now())
    setState(db, mailbox.id, conclusion)
    standBatch(ground, batch.id)
    if (conclusion.isSynced && errand.settings.intervalMinutes === 0 && conclusion.nextAt !== null)
      this.#watchers.watch(batch.id, mailbox.id, ends.source)
  }

  async #conclude(
    errand: Errand,
    ends: Ends,
    ended: Ended,
    outcome: Awaited<ReturnType<typeof runPass>>,
    gates: readonly Gate[],
  ): Promise<Conclusion> {
    switch (outcome.kind) {
      case 'stopped':
        return concludeStopped(ended)
      case 'done': {
        const counts = this.ground.ledger.counts(ended.mailbox.id)
        const first = concludeDone(ended, outcome, counts.skipped, undefined)
        if (first.status !== 'Completed' && first.status !== 'CompletedWithWarnings') return first
        return concludeDone(ended, outcome, counts.skipped, await proofOf(errand, ends))
      }
      case 'failed': {
        const { trouble, text } = ends.explain(outcome.trouble)
        const side = ends.sideOf(outcome.trouble)
        if (outcome.trouble.kind === 'busy')
          for (const [i, gate] of gates.entries()) if (side === '' || (i === 0) === (side === 'source')) gate.busy()
        return concludeFailed(ended, trouble, text, outcome.mayPass)
      }
    }
  }

  /** Each log-in tried at both ends, and a look at what is there. Nothing is written. */
  async #check(errand: Errand): Promise<void> {
    const { ground, batch, mailbox } = errand
    const { db, now } = ground
    const ends = endsOf(errand)
    if (ends === undefined) {
      const trouble = noPasswords(batch.name)
      setToCheck(db, mailbox.id, false)
      setState(db, mailbox.id, { status: 'Failed', why: trouble.what, at: now(), trouble })
      return standBatch(ground, batch.id)
    }
    setState(db, mailbox.id, { status: 'Validating', why: 'both log-ins are tried', at: now() })
    const survey = await runSurvey(errand, ends)
    if (survey.kind === 'stopped' && this.#isClosing) return
    setToCheck(db, mailbox.id, false)
    if (survey.kind === 'failed') {
      const { trouble, text } = ends.explain(survey.trouble)
      setSurvey(db, mailbox.id, undefined)
      setState(db, mailbox.id, { status: 'Failed', why: text, at: now(), trouble })
    } else if (survey.kind === 'surveyed') {
      const { folders, messages, bytes, leftOut, wouldSkipCount } = survey
      const notes = [
        ...leftOut.map((one) => `${one.folder} is left out (${some(one.messages, 'message')}): ${one.why}`),
        ...(wouldSkipCount === 0 ? [] : [`${some(wouldSkipCount, 'message')} would be left out`]),
      ].slice(0, 50)
      setSurvey(db, mailbox.id, { folders: folders.length, messages, bytes, notes })
      setTally(db, mailbox.id, { ...ground.ledger.counts(mailbox.id), allMessages: messages, allBytes: bytes })
      const why = `checked: ${some(messages, 'message')}, ${bytesText(bytes)} in ${some(folders.length, 'folder')}`
      setState(db, mailbox.id, { status: restingStatus(mailbox), why, at: now(), trouble: null })
    } else setState(db, mailbox.id, { status: restingStatus(mailbox), why: 'the check was stopped', at: now() })
    standBatch(ground, batch.id)
  }

  #giveUp(batch: Batch, mailbox: MailboxRow): void {
    const what = `the engine stopped ${mostCrashes} times while it worked on this mailbox`
    const trouble = {
      ...noPasswords(batch.name),
      kind: 'hostile',
      what,
      remedy: `the log of the gateway says why; then: causeway migrate retry ${batch.name}`,
    }
    setState(this.ground.db, mailbox.id, { status: 'Failed', why: what, at: this.ground.now(), nextAt: null, trouble })
    setToCheck(this.ground.db, mailbox.id, false)
    standBatch(this.ground, batch.id)
  }

  #corrupt(mailbox: MailboxRow, why: string): void {
    setState(this.ground.db, mailbox.id, { status: 'Corrupted', why, at: this.ground.now(), nextAt: null })
    setToCheck(this.ground.db, mailbox.id, false)
  }

  #sleep(): void {
    const due = nextDue(this.ground.db)
    // What is due and found no place is looked at again when a place is free, or after a moment: places grow by themselves.
    this.#wakeIn(due === undefined ? idleMs : Math.min(Math.max(due - this.ground.now(), 1000), idleMs))
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer)
    if (!this.#isClosing) this.#timer = setTimeout(() => this.kick(), ms)
  }
}

const mostCrashes = 4
const keepEveryMs = 5000
/** Batches that begin, resume or complete at a time are looked for this often. */
const idleMs = 5000

function beginning({ wish }: Batch, { firstSyncedAt }: MailboxRow) {
  if (wish === 'completing') return 'Completing'
  return firstSyncedAt === undefined ? 'Starting' : 'IncrementalSyncing'
}

const restingStatus = ({ firstSyncedAt }: MailboxRow) =>
  firstSyncedAt === undefined ? 'Stopped' : 'IncrementalStopped'

export const wasStopped = (error: unknown): boolean => error instanceof MailboxTrouble && error.kind === 'stopped'
