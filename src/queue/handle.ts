/** The queue as its users hold it: asks the thread, step by step where one step would take long. */
import { contentLength, spend } from '../mail/message/message.ts'
import { abandon, bringParts, isLarge, packed } from './bring.ts'
import type { HandAction, HandStepDone } from './by-hand.ts'
import type {
  Attempted,
  AttemptRow,
  Domains,
  EndedOrder,
  Filter,
  HeldRecipient,
  ListPage,
  NewReleaseOrder,
  Page,
  Paged,
  Queue,
  ReleaseOrder,
  ReleaseStep,
  Tell,
} from './contract.ts'
import type { Figures, LaneFigures, Totals } from './figures.ts'
import type { HoldCause, KeptMessage, KeptRecipient, Listed, NewMessage } from './message.ts'
import { Room } from './room.ts'
import { NotDone, Thread } from './thread.ts'
import type { ClaimQuery, FinishMore, Late, Lease, Put, Result, Work } from './work.ts'

/** Content on its way to the thread, all of it together. */
const roomBytes = 16 * 1024 * 1024
/** Steps that one page of a list may take: about a thousand recipients each. */
const stepsOfPage = 20

export type HandleSettings = {
  readonly dir: string
  readonly now: () => number
  readonly leaseMs: number
  readonly sweepMs: number
  readonly onTrouble: (why: string) => void
}

export class QueueHandle implements Queue {
  readonly #thread: Thread
  readonly #room = new Room(roomBytes)
  readonly #settings: HandleSettings
  #figures: Figures = nothing
  #lastTrouble = ''
  #sweeping: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(settings: HandleSettings) {
    this.#settings = settings
    const { dir, leaseMs, now } = settings
    this.#thread = new Thread({
      dir,
      leaseMs,
      now,
      onFigures: (figures) => {
        this.#figures = figures
      },
      onTrouble: (why) => this.#trouble(why),
    })
  }

  async open(): Promise<string | undefined> {
    const why = await this.#thread.open()
    const { sweepMs } = this.#settings
    if (why === undefined && sweepMs > 0) this.#timer = setInterval(() => void this.#sweepQuietly(), sweepMs).unref()
    return why
  }

  now(): number {
    return this.#settings.now()
  }

  get figures(): Figures {
    return this.#figures
  }

  async put(message: NewMessage): Promise<Put> {
    try {
      const token = await this.#putAll([message], () =>
        this.#thread.ask<'put'>({ do: 'put', message: packed(message) }),
      )
      return token === undefined ? { ok: true } : { ok: true, lease: { token } }
    } catch (error) {
      if (!(error instanceof NotDone)) throw error
      this.#trouble(`a message could not be stored: ${error.message}`)
      return { ok: false, why: error.message, isFull: error.isFull }
    }
  }

  claim(query: ClaimQuery): Promise<readonly Work[]> {
    return this.#thread.ask<'claim'>({ do: 'claim', query })
  }

  async content(id: string): Promise<Buffer | undefined> {
    let content: Buffer | undefined
    let [part, at] = [0, 0]
    do {
      const slice = await this.#thread.ask<'content'>({ do: 'content', id, from: part })
      if (slice === undefined) return undefined
      content ??= Buffer.allocUnsafeSlow(slice.size)
      for (const bytes of slice.parts) {
        content.set(bytes, at)
        at += bytes.length
        part += 1
        spend(bytes)
      }
      if (slice.parts.length === 0 && at < content.length) throw new NotDone(`content of ${id} is missing`)
    } while (at < content.length)
    return content
  }

  lateLanes({ token }: Lease, late: Omit<Late, 'lanes'>): Promise<readonly string[]> {
    return this.#thread.ask<'lateLanes'>({ do: 'lateLanes', token, late })
  }

  join({ token }: Lease, late: Late): Promise<readonly KeptRecipient[]> {
    return this.#thread.ask<'join'>({ do: 'join', token, late })
  }

  extend({ token }: Lease): Promise<boolean> {
    return this.#thread.ask<'extend'>({ do: 'extend', token })
  }

  finish({ token }: Lease, results: readonly Result[], more: FinishMore = {}): Promise<boolean> {
    const { reports = [], warned = [] } = more
    return this.#putAll(reports, () =>
      this.#thread.ask<'finish'>({ do: 'finish', token, results, reports: reports.map(packed), warned }),
    )
  }

  hold(filter: Filter, by: string, tell?: Tell): Promise<number> {
    return this.#byHand('hold', filter, by, tell)
  }

  release(filter: Filter, by: string, tell?: Tell): Promise<number> {
    return this.#byHand('release', filter, by, tell)
  }

  retry(filter: Filter, by: string, tell?: Tell): Promise<number> {
    return this.#byHand('retry', filter, by, tell)
  }

  drop(filter: Filter, by: string, tell?: Tell): Promise<number> {
    return this.#byHand('drop', filter, by, tell)
  }

  wishReturn(filter: Filter, by: string, tell?: Tell): Promise<number> {
    return this.#byHand('wishReturn', filter, by, tell)
  }

  resume(tenants: readonly string[], tell?: Tell): Promise<number> {
    return this.#inSteps((after) => this.#thread.ask<'resume'>({ do: 'resume', tenants, after }), tell)
  }

  async list(filter: Filter, page: ListPage): Promise<Paged<Listed>> {
    const { isWhole = false } = page
    const items: Listed[] = []
    let after: string | undefined = page.after ?? '0'
    for (let steps = 0; after !== undefined && steps < stepsOfPage && items.length < page.limit; steps += 1) {
      const limit = page.limit - items.length
      const some: Paged<Listed> = await this.#thread.ask<'list'>({
        do: 'list',
        filter,
        limit,
        after: placeOf(after),
        isWhole,
      })
      items.push(...some.items)
      after = some.next
    }
    return { items, ...(after !== undefined && { next: after }) }
  }

  show(id: string): Promise<Listed | undefined> {
    return this.#thread.ask<'show'>({ do: 'show', id })
  }

  totals(): Promise<Totals> {
    return this.#thread.ask<'totals'>({ do: 'totals' })
  }

  lanes(): Promise<readonly LaneFigures[]> {
    return this.#thread.ask<'lanes'>({ do: 'lanes' })
  }

  oldest(): Promise<KeptMessage | undefined> {
    return this.#thread.ask<'oldest'>({ do: 'oldest' })
  }

  check(): Promise<string | undefined> {
    return this.#thread.ask<'check'>({ do: 'check' })
  }

  orderRelease(order: NewReleaseOrder): Promise<void> {
    return this.#thread.ask<'order'>({ do: 'order', order })
  }

  endRelease(domain: string): Promise<EndedOrder | undefined> {
    return this.#thread.ask<'endOrder'>({ do: 'endOrder', domain })
  }

  lastRelease(domain: string): Promise<EndedOrder | undefined> {
    return this.#thread.ask<'lastOrder'>({ do: 'lastOrder', domain })
  }

  releaseOrders(): Promise<readonly ReleaseOrder[]> {
    return this.#thread.ask<'orders'>({ do: 'orders' })
  }

  domains(): Promise<Domains> {
    return this.#thread.ask<'domains'>({ do: 'domains' })
  }

  heldFor(cause: Exclude<HoldCause, 'domain'>, most: number): Promise<number> {
    return this.#thread.ask<'heldFor'>({ do: 'heldFor', cause, most })
  }

  nextHeld(domain: string, limit: number, after?: string): Promise<Paged<HeldRecipient>> {
    return this.#thread.ask<'nextHeld'>({ do: 'nextHeld', domain, limit, after })
  }

  letGo(domain: string, step: ReleaseStep): Promise<number> {
    return this.#thread.ask<'letGo'>({ do: 'letGo', domain, step })
  }

  attempted(attempt: Attempted): Promise<void> {
    return this.#thread.ask<'attempted'>({ do: 'attempted', attempt })
  }

  cameBack(sender: string, recipient: string, at: number): void {
    if (this.#figures.attemptPairs === 0) return
    this.#thread.ask<'cameBack'>({ do: 'cameBack', sender, recipient, at }).catch((error: unknown) => {
      this.#trouble(`who came back could not be noted: ${reason(error)}`)
    })
  }

  async settleAttempts(domain: string, by: string): Promise<number> {
    let settled = 0
    for (;;) {
      const step = await this.#thread.ask<'settleAttempts'>({ do: 'settleAttempts', domain, by })
      settled += step.touched
      if (step.isDone) return settled
    }
  }

  attempts(domain: string, { limit, after = '0' }: Page): Promise<readonly AttemptRow[]> {
    return this.#thread.ask<'attempts'>({ do: 'attempts', domain, limit, after: placeOf(after) })
  }

  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweepAll().finally(() => {
      this.#sweeping = undefined
    })
    return this.#sweeping
  }

  close(): Promise<void> {
    clearInterval(this.#timer)
    return this.#thread.close()
  }

  /** Large content first, then everything in one commit, then nothing is left lying about if that was not done. */
  async #putAll<T>(messages: readonly NewMessage[], commit: () => Promise<T>): Promise<T> {
    const large = messages.filter(isLarge)
    const bytes = messages.reduce((sum, one) => sum + (isLarge(one) ? 0 : contentLength(one.content)), 0)
    let isDone = false
    try {
      for (const message of large) await bringParts(this.#thread, this.#room, message)
      const answer = await this.#room.within(bytes, commit)
      isDone = answer !== false
      return answer
    } finally {
      if (!isDone) for (const message of large) abandon(this.#thread, message)
    }
  }

  #byHand(action: HandAction, filter: Filter, by: string, tell?: Tell): Promise<number> {
    return this.#inSteps((after) => this.#thread.ask<'byHand'>({ do: 'byHand', action, filter, by, after }), tell)
  }

  async #inSteps(ask: (after: number) => Promise<HandStepDone>, tell?: Tell): Promise<number> {
    let count = 0
    let after: number | undefined = 0
    while (after !== undefined) {
      const step: HandStepDone = await ask(after)
      for (const { recipients } of step.touched) count += recipients.length
      if (step.touched.length > 0) tell?.(step.touched)
      after = step.next
    }
    return count
  }

  async #sweepAll(): Promise<void> {
    while (await this.#thread.ask<'sweep'>({ do: 'sweep' }));
  }

  async #sweepQuietly(): Promise<void> {
    try {
      await this.sweep()
    } catch (error) {
      this.#trouble(`the queue could not be tidied up: ${reason(error)}`)
    }
  }

  #trouble(why: string): void {
    if (why === this.#lastTrouble) return
    this.#lastTrouble = why
    this.#settings.onTrouble(why)
  }
}

const nothing: Figures = {
  taken: 0,
  delivered: 0,
  returned: 0,
  dropped: 0,
  waiting: 0,
  running: 0,
  held: 0,
  messages: 0,
  bytes: 0,
  attemptPairs: 0,
  attemptsLeftOut: 0,
}

/** Cursors come from outside: what is none begins at the beginning. */
function placeOf(after: string): number {
  const place = Number(after)
  return Number.isSafeInteger(place) ? place : 0
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
