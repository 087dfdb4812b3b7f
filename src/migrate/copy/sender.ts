/** Messages on their way to the target over one connection: many unanswered at a time, in groups that are in the ledger first. */
import { canonicalFlags, type Fetched, instantOf, isKeyword, type Mailbox, MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Attempt, FolderWork } from './attempt-state.ts'
import { commit, settled, skip } from './folder-work.ts'
import { flagsFor, type Prepared, type PrepareFor, prepare, repaired, withHeaderEnded } from './prepare.ts'
import { flagsSumOf, type Sending } from './sending.ts'

type Item = {
  readonly work: FolderWork
  readonly fetched: Fetched
  readonly date: number | undefined
  prepared: Prepared
  startedAt: number
  /** Ways to mend a refusal that were tried. */
  tried: number
}

/** Fewer are not worth a commit while others are under way. */
const groupCount = 16
const groupBytes = 512 * 1024

export class Sender {
  readonly #a: Attempt
  readonly #target: Mailbox
  readonly #for: PrepareFor
  #pending: Item[] = []
  #pendingBytes = 0
  readonly #sent = new Set<Item>()
  #inFlight = 0
  #bytesInFlight = 0
  #isPumping = false
  #isDraining = false
  #wake: (() => void)[] = []

  constructor(a: Attempt, target: Mailbox) {
    this.#a = a
    this.#target = target
    this.#for = { traits: target.traits, takes: () => true }
  }

  /** Resolves when the next one may be offered; for a large one, when it is settled. */
  async offer(work: FolderWork, fetched: Fetched): Promise<void> {
    work.unsettled += 1
    const instant = instantOf(fetched.internalDate)
    const prepared = await prepare(fetched, this.#for)
    const date = instant === undefined ? undefined : instant / 1000
    const item: Item = { work, fetched, date, prepared, startedAt: 0, tried: 0 }
    this.#pending.push(item)
    this.#pendingBytes += prepared.size
    this.#pump()
    // A large one is read from the source while it is sent: nothing else may be waiting to be read there.
    if (!Buffer.isBuffer(fetched.content)) return await this.drain()
    const { maxInFlight, maxBytesInFlight } = this.#a.tuning
    while (this.#pending.length > maxInFlight || this.#pendingBytes > maxBytesInFlight) await this.#change()
    this.#check()
  }

  /** Until everything that was offered is settled. */
  async drain(): Promise<void> {
    this.#isDraining = true
    this.#pump()
    while (this.#pending.length > 0 || this.#inFlight > 0) await this.#change()
    this.#isDraining = false
    this.#check()
  }

  /** The attempt has failed: whoever waits is told. */
  wakeAll(): void {
    const waiting = this.#wake
    this.#wake = []
    for (const wake of waiting) wake()
  }

  async #change(): Promise<void> {
    this.#check()
    await new Promise<void>((resolve) => this.#wake.push(resolve))
    this.#check()
  }

  #check(): void {
    if (this.#a.failure !== undefined) throw this.#a.failure
  }

  #pump(): void {
    if (this.#isPumping || !this.#mayStart()) return
    this.#isPumping = true
    this.#sendGroups().catch((error: unknown) => this.#a.fail(error))
  }

  async #sendGroups(): Promise<void> {
    try {
      while (this.#mayStart()) await this.#send(this.#take())
    } finally {
      // In the same turn as the last look: nobody who asks meanwhile is overheard.
      this.#isPumping = false
    }
  }

  #mayStart(): boolean {
    const first = this.#pending[0]
    if (first === undefined || this.#a.failure !== undefined) return false
    if (this.#inFlight === 0) return true
    const { maxInFlight, maxBytesInFlight } = this.#a.tuning
    const isWorthIt = this.#isDraining || this.#pending.length >= groupCount || this.#pendingBytes >= groupBytes
    const count = Math.min(groupCount, this.#pending.length)
    return (
      isWorthIt &&
      this.#inFlight + count <= maxInFlight &&
      this.#bytesInFlight + first.prepared.size <= maxBytesInFlight
    )
  }

  #take(): readonly Item[] {
    const { maxInFlight, maxBytesInFlight } = this.#a.tuning
    let bytes = this.#bytesInFlight
    let count = 0
    for (const item of this.#pending) {
      const isFirst = count === 0 && this.#inFlight === 0
      if (!isFirst && (this.#inFlight + count >= maxInFlight || bytes + item.prepared.size > maxBytesInFlight)) break
      bytes += item.prepared.size
      count += 1
    }
    const group = this.#pending.slice(0, count)
    this.#pending = this.#pending.slice(count)
    for (const { prepared } of group) this.#pendingBytes -= prepared.size
    return group
  }

  /** In the ledger before on the wire: after a crash what may have arrived is known. */
  async #send(group: readonly Item[]): Promise<void> {
    for (const item of group) {
      this.#intend(item)
      this.#inFlight += 1
      this.#bytesInFlight += item.prepared.size
    }
    for (const work of new Set(group.map((item) => item.work))) commit(this.#a, work)
    for (const item of group) {
      await this.#a.job.pace.take(item.prepared.size, this.#a.job.signal)
      this.#check()
      item.startedAt = performance.now()
      this.#sent.add(item)
      this.#append(item)
    }
    this.wakeAll()
  }

  /** With what is changed in it: after a crash it may stand at the target, and nobody would tell then. */
  #intend(item: Item): void {
    const { work, fetched, prepared } = item
    work.sending.set(fetched.uid, { ...this.#sending(item), floor: work.highest + 1 })
    if (prepared.repairs.length > 0)
      skip(this.#a, work, { fetched, kind: 'repaired', why: prepared.repairs.join('; ') })
  }

  #sending({ fetched, date, prepared }: Item): Sending {
    return {
      uid: fetched.uid,
      size: prepared.size,
      flagsSum: flagsSumOf(prepared.sentFlags),
      ...(date === undefined ? {} : { date }),
      ...(prepared.digest === undefined ? {} : { digest: prepared.digest }),
    }
  }

  #append(item: Item): void {
    this.#answered(item).catch((error: unknown) => this.#a.fail(error))
  }

  /** After a failure nothing is written down any more: the ledger has it in doubt, and the next attempt looks for it. */
  async #answered(item: Item): Promise<void> {
    const answer = await this.#target.append(item.work.target, item.prepared.message).then(
      (appended) => ({ appended }),
      (error: unknown) => ({ error }),
    )
    if (this.#a.failure !== undefined) return
    if ('appended' in answer) this.#taken(item, answer.appended)
    else await this.#refused(item, answer.error)
  }

  #taken(item: Item, { uid, uidValidity }: { readonly uid?: number; readonly uidValidity?: number }): void {
    const { work, fetched, prepared } = item
    if (uidValidity !== undefined && uidValidity !== work.pair.targetValidity) {
      return this.#a.fail(new MailboxTrouble('changed', `the target's folder is another one now: ${work.name}`))
    }
    const flags = canonicalFlags(fetched.flags)
    const later = flags.includes('\\Flagged') && !prepared.sentFlags.includes('\\Flagged')
    const kept = later ? flags.filter((flag) => flag !== '\\Flagged') : flags
    work.copied.push({
      ...this.#sending(item),
      size: fetched.size,
      flags: kept,
      ...(uid === undefined ? {} : { targetUid: uid }),
    })
    if (later && uid !== undefined) work.flagsLater.push({ uid: fetched.uid, targetUid: uid, flags })
    if (uid === undefined || work.flagsLater.length > 0) work.hasAfterwork = true
    if (uid !== undefined && uid > work.highest) work.highest = uid
    this.#a.blame.clear(work.pair.id, fetched.uid)
    this.#a.tally.copied(prepared.size, fetched.size)
    this.#a.job.pace.went(prepared.size, performance.now() - item.startedAt)
    this.#over(item)
  }

  /** One message that is refused is mended if it can be, or skipped; everything else ends the attempt. */
  async #refused(item: Item, error: unknown): Promise<void> {
    if (!(error instanceof MailboxTrouble)) return this.#a.fail(error)
    const trouble = error
    const { work, fetched } = item
    if (trouble.kind === 'tooLarge') skip(this.#a, work, { fetched, kind: 'tooLarge', why: whyOf(trouble) })
    else if (trouble.kind === 'refused' || trouble.kind === 'lineTooLong') {
      const mended = await this.#mended(item)
      if (mended !== undefined) return this.#again(item, mended)
      skip(this.#a, work, { fetched, kind: 'refused', why: whyOf(trouble) })
    } else return this.#lost(trouble)
    this.#over(item)
  }

  /** Whichever of those under way it was: after some more times they go one by one. */
  #lost(trouble: MailboxTrouble): void {
    const isLost = trouble.kind === 'unreachable' || trouble.kind === 'stalled'
    if (isLost) for (const { work, fetched } of this.#sent) this.#a.blame.add(work.pair.id, fetched.uid)
    this.#a.fail(trouble)
  }

  /** First without keywords, then with its lines changed, then with its header ended where it is none. */
  async #mended(item: Item): Promise<Prepared | undefined> {
    const { message, repairs } = item.prepared
    if (item.tried === 0 && message.flags.some(isKeyword)) {
      item.tried = 1
      const flags = flagsFor(message.flags, { ...this.#for, takes: () => false })
      const why = 'the target did not take its keywords'
      return { ...item.prepared, message: { ...message, flags }, sentFlags: flags, repairs: [...repairs, why] }
    }
    if (item.tried < 2) {
      item.tried = 2
      const mended = await repaired(item.prepared, { maxLine: this.#target.traits.maxLine ?? safeLine })
      if (mended !== undefined) return mended
    }
    if (item.tried > 2) return undefined
    item.tried = 3
    return withHeaderEnded(item.prepared)
  }

  #again(item: Item, mended: Prepared): void {
    if (this.#a.failure !== undefined) return
    this.#bytesInFlight += mended.size - item.prepared.size
    item.prepared = mended
    this.#intend(item)
    commit(this.#a, item.work)
    this.#append(item)
  }

  #over(item: Item): void {
    const { work, fetched, prepared } = item
    this.#sent.delete(item)
    work.sending.delete(fetched.uid)
    this.#inFlight -= 1
    this.#bytesInFlight -= prepared.size
    settled(this.#a, work)
    this.#pump()
    this.wakeAll()
  }
}

/** What servers that name no limit take. */
const safeLine = 8000

function whyOf(trouble: MailboxTrouble): string {
  return trouble.words === '' ? trouble.message : `${trouble.message}: ${trouble.words}`
}
