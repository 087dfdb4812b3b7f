import { type Content, type Fetched, MailboxTrouble } from '../mailbox/mailbox.ts'
import { type Batch, batchesOf } from './fetch-batches.ts'
import { type FetchData, readFetch } from './fetch-data.ts'
import { Flow } from './flow.ts'
import type { FolderWork } from './folder-work.ts'
import { largeContent, measured } from './large-content.ts'
import { listedOf } from './list-messages.ts'
import type { Data } from './response.ts'
import type { Skipped } from './response-reader.ts'
import { uidSets } from './uid-set.ts'

/** What may be kept of a message that is larger than it was said to be; the window was made for what was said. */
const slackBytes = 64 * 1024
/** What a message costs us beside its content. */
const overheadBytes = 500

/**
 * Content of messages. Several commands are under way, but never for more than `windowBytes` that nobody has taken yet: so the
 * connection needs no pause, and other commands on it never wait for the taker of this one.
 */
export function fetchMessages(work: FolderWork, uids: readonly number[]): AsyncIterable<Fetched> {
  return new FetchRun(work, uids).flow
}

class FetchRun {
  readonly flow: Flow<Fetched>
  readonly #work: FolderWork
  readonly #uids: readonly number[]
  readonly #costs = new WeakMap<Fetched, number>()
  /** Asked for and not yet taken. */
  #outBytes = 0
  #isOver = false
  #wake: (() => void) | undefined
  /** What was told of a message that is not whole yet. */
  readonly #parts = new Map<number, FetchData>()
  readonly #underWay = new Set<Promise<void>>()

  constructor(work: FolderWork, uids: readonly number[]) {
    this.#work = work
    this.#uids = uids
    this.flow = new Flow<Fetched>(
      (item) => this.#gaveBack(this.#costs.get(item) ?? 0),
      () => this.#stop(),
    )
    const asked = this.#askForAll()
    work.busyUntil(asked)
    this.#finish(asked).then(
      () => this.flow.end(),
      (error: Error) => {
        this.#stop()
        this.flow.end(error)
      },
    )
  }

  async #askForAll(): Promise<void> {
    for await (const batch of batchesOf(this.#work, this.#uids)) {
      while (!this.#isOver && this.#outBytes >= this.#work.connection.limits.windowBytes) await this.#room()
      if (this.#isOver) break
      this.#start(batch)
    }
  }

  async #finish(asked: Promise<void>): Promise<void> {
    await asked
    await Promise.all(this.#underWay)
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #gaveBack(bytes: number): void {
    this.#outBytes -= bytes
    this.#wake?.()
  }

  #stop(): void {
    this.#isOver = true
    this.#wake?.()
  }

  #start(batch: Batch): void {
    const cost = batch.isLarge
      ? 2 * this.#work.connection.limits.pieceBytes
      : batch.bytes + batch.uids.length * overheadBytes
    this.#outBytes += cost
    const work = batch.isLarge ? this.#large(batch.uids[0] ?? 0, batch.bytes, cost) : this.#small(batch.uids, cost)
    this.#underWay.add(work)
    work.then(
      () => this.#underWay.delete(work),
      (error: Error) => {
        this.#stop()
        this.flow.end(error)
      },
    )
  }

  async #large(uid: number, size: number, cost: number): Promise<void> {
    const found = await measured(this.#work, uid, size).catch((error: unknown) => this.#leftOut(error))
    if (found instanceof MailboxTrouble || found === undefined) return this.#gaveBack(cost)
    this.#give({ ...found.listed, content: largeContent(this.#work, uid, found.size) }, cost)
  }

  /** Those of a refused command are asked for one by one, so that one bad message does not hide its neighbours. */
  async #small(uids: readonly number[], cost: number): Promise<void> {
    const wanted = new Set(uids)
    const each = Math.floor(cost / uids.length)
    const take = (data: Data): boolean => this.#take(data, wanted, each)
    const pieces = [`UID FETCH ${[...uidSets(uids)].join(',')} (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])`]
    const refused = await this.#work.run({ what: 'a message', pieces, take }).then(
      () => undefined,
      (error: unknown) => (uids.length > 1 ? this.#refusal(error) : this.#leftOut(error)),
    )
    this.#gaveBack(wanted.size * each + (cost % uids.length))
    if (refused?.kind === 'refused' && uids.length > 1) for (const uid of wanted) await this.#small([uid], 0)
  }

  #take(data: Data, wanted: Set<number>, cost: number): boolean {
    if (data.name !== 'FETCH') return false
    const { connection } = this.#work
    const told = readFetch(data, connection.limits)
    if (typeof told === 'string') connection.hostile(told)
    if (typeof told === 'string' || told.uid === undefined || told.origin !== undefined) return false
    if (!wanted.has(told.uid)) return false
    const whole = { ...this.#parts.get(told.uid), ...told }
    const listed = listedOf(whole)
    if (listed === undefined || whole.content === undefined) return this.#waitForRest(told.uid, whole)
    wanted.delete(told.uid)
    this.#parts.delete(told.uid)
    if (whole.content === null) this.#withoutContent(cost)
    else this.#give({ ...listed, content: this.#bounded(told.uid, whole.content, listed.size) }, cost)
    return true
  }

  /** RFC 9051 section 7.5.2 lets a server tell of one message in several responses. */
  #waitForRest(uid: number, told: FetchData): boolean {
    const isLarge = Buffer.isBuffer(told.content) && told.content.length > slackBytes
    this.#parts.set(uid, isLarge ? { ...told, content: { skippedBytes: told.content.length } } : told)
    return told.content !== undefined
  }

  /** One that is far larger than it was said to be is not kept, and read again in pieces. */
  #bounded(uid: number, content: Buffer | Skipped, told: number): Content {
    if (!Buffer.isBuffer(content)) return largeContent(this.#work, uid, content.skippedBytes)
    return content.length > 2 * told + slackBytes ? largeContent(this.#work, uid, content.length) : content
  }

  #withoutContent(cost: number): void {
    this.#gaveBack(cost)
    if (this.#uids.length > 1) return
    this.#isOver = true
    this.flow.end(new MailboxTrouble('refused', 'the server gives no content of this message'))
  }

  #give(fetched: Fetched, cost: number): void {
    if (this.#isOver) return
    this.#costs.set(fetched, cost)
    this.flow.push(fetched)
  }

  /** Some of many that the server will not give are left out; whoever asks for one alone hears why. */
  #leftOut(error: unknown): MailboxTrouble {
    const trouble = this.#refusal(error)
    if (this.#uids.length === 1 && trouble.kind === 'refused') throw trouble
    return trouble
  }

  /** What was wrong with messages: refused, or vanished ([EXPUNGEISSUED], RFC 5530). Anything else is wrong with all of it. */
  #refusal(error: unknown): MailboxTrouble {
    const isAboutMessages = error instanceof MailboxTrouble && (error.kind === 'refused' || error.kind === 'changed')
    if (isAboutMessages && error !== this.#work.selected.over) return error
    throw error
  }
}
