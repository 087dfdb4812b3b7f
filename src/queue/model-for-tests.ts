/** The queue as a few lines of plain data: what the real one must agree with after every step. */
import assert from 'node:assert/strict'
import type { HoldCause, NewMessage, NewRecipient, Queue, RecipientState, Result, Totals, Work } from './queue.ts'

export type ModelRecipient = {
  readonly id: string
  readonly n: number
  readonly arrival: number
  readonly sender: string
  readonly peer: string
  readonly address: string
  lane: string
  state: RecipientState
  cause: HoldCause | undefined
  nextAt: number
  since: number
  wish: boolean
  isReleased: boolean
  token: string | undefined
}

export type ModelLease = { readonly token: string; readonly id: string; until: number; readonly ns: Set<number> }

export class Model {
  recipients: ModelRecipient[] = []
  readonly leases = new Map<string, ModelLease>()
  readonly content = new Map<string, Buffer>()
  readonly done = { taken: 0, delivered: 0, returned: 0, dropped: 0 }
  #arrivals = 0

  put(m: NewMessage, o: { readonly at: number; readonly leaseMs: number; readonly token: string | undefined }): void {
    this.#arrivals += 1
    for (const [n, r] of m.recipients.entries()) this.recipients.push(this.#recipient(m, n, r, o))
    this.done.taken += m.recipients.length
    this.content.set(m.id, Buffer.concat(m.content))
    if (o.token !== undefined) this.#lease(o.token, m.id, o.at + o.leaseMs)
  }

  #recipient(
    m: NewMessage,
    n: number,
    r: NewRecipient,
    o: { readonly at: number; readonly token: string | undefined },
  ) {
    return {
      id: m.id,
      n,
      arrival: this.#arrivals,
      sender: m.sender,
      peer: m.peer,
      address: r.address,
      lane: r.lane,
      state: r.state,
      cause: r.cause,
      nextAt: o.at,
      since: o.at,
      wish: false,
      isReleased: false,
      token: r.state === 'running' ? o.token : undefined,
    }
  }

  #lease(token: string, id: string, until: number): void {
    const ns = new Set(this.recipients.filter((r) => r.token === token).map((r) => r.n))
    this.leases.set(token, { token, id, until, ns })
  }

  /** What one claim gave out must have been there to be given, all of it, and to nobody else. */
  claimed(works: readonly Work[], o: { readonly at: number; readonly leaseMs: number; readonly force: boolean }): void {
    for (const work of works) {
      const wish = work.wish !== undefined
      const expected = this.recipients.filter(
        (r) => r.id === work.message.id && (wish || r.lane === work.lane) && r.wish === wish && this.isClaimable(r, o),
      )
      assert.deepEqual(
        work.recipients.map((r) => r.n),
        expected.map((r) => r.n),
        'all that can be claimed of the message in the lane, or that is wished, and nothing else',
      )
      for (const r of expected) {
        r.state = 'running'
        r.token = work.lease.token
      }
      this.#lease(work.lease.token, work.message.id, o.at + o.leaseMs)
    }
  }

  isClaimable(r: ModelRecipient, o: { readonly at: number; readonly force: boolean }): boolean {
    return r.state === 'waiting' && (o.force || r.nextAt <= o.at) && !this.isBehind(r)
  }

  /** Somebody of its line runs, or arrived before it. */
  isBehind(r: ModelRecipient): boolean {
    if (!r.isReleased) return false
    const line = this.recipients.filter(
      (other) => other.isReleased && other.sender === r.sender && other.address === r.address,
    )
    return line.some((other) => other.state === 'running' || isBefore(other, r))
  }

  /** What is late of the message in these lanes comes to the holder of the lease. */
  joined(token: string, ns: readonly number[], lanes: readonly string[], before: number): void {
    const lease = this.leases.get(token)
    const expected = this.recipients.filter(
      (r) =>
        r.id === lease?.id &&
        lanes.includes(r.lane) &&
        !r.wish &&
        r.since < before &&
        this.isClaimable(r, { at: 0, force: true }),
    )
    assert.deepEqual(
      ns,
      expected.map((r) => r.n),
      'all that is late and waits in these lanes, and nothing else; nothing without the lease',
    )
    for (const r of expected) {
      r.state = 'running'
      r.token = token
      lease?.ns.add(r.n)
    }
  }

  finish(token: string, results: readonly Result[], at: number): boolean {
    const lease = this.leases.get(token)
    if (lease === undefined || results.some(({ n }) => !lease.ns.has(n))) return false
    if (new Set(results.map(({ n }) => n)).size < results.length) return false
    for (const result of results) {
      lease.ns.delete(result.n)
      const r = this.recipients.find((one) => one.id === lease.id && one.n === result.n)
      if (r !== undefined) this.#settle(r, result, at)
    }
    if (lease.ns.size === 0) this.leases.delete(token)
    return true
  }

  #settle(r: ModelRecipient, result: Result, at: number): void {
    r.token = undefined
    if (result.kind === 'delivered' || result.kind === 'returned') return this.end(r, result.kind)
    if (result.kind === 'held') return hold(r, result.cause, at)
    r.state = 'waiting'
    if (result.kind === 'unchanged') return
    r.lane = result.lane
    r.nextAt = result.nextAt ?? Number.NaN
  }

  end(r: ModelRecipient, how: 'delivered' | 'returned' | 'dropped'): void {
    this.done[how] += 1
    this.recipients = this.recipients.filter((one) => one !== r)
  }

  /** Leases that ended before. */
  expire(before: number, at: number): void {
    for (const lease of this.leases.values()) {
      if (lease.until >= before) continue
      this.leases.delete(lease.token)
      for (const r of this.recipients.filter((one) => one.token === lease.token)) {
        r.state = 'waiting'
        r.token = undefined
        r.nextAt = at
      }
    }
  }

  totals(): Totals {
    const count = (state: RecipientState) => this.recipients.filter((r) => r.state === state).length
    return { ...this.done, waiting: count('waiting'), running: count('running'), held: count('held') }
  }

  async agreesWith(queue: Queue): Promise<void> {
    assert.equal(await queue.check(), undefined)
    const { waiting, running, held, ...done } = this.totals()
    const real = await queue.totals()
    assert.deepEqual({ ...real, waiting, running, held, ...done }, real)
    const kept = await this.#read(queue)
    const expected = this.recipients.map(({ id, n, lane, state, nextAt, wish }) => ({
      id,
      n,
      lane,
      state,
      nextAt,
      wish,
    }))
    assert.deepEqual(kept, expected)
  }

  async #read(queue: Queue) {
    const { items, next } = await queue.list({}, { limit: 1000 })
    assert.equal(next, undefined)
    return items.flatMap(({ message, recipients }) =>
      recipients.map(({ n, lane, state, nextAt, wish }) => ({
        id: message.id,
        n,
        lane,
        state,
        nextAt,
        wish: wish !== undefined,
      })),
    )
  }
}

export function hold(r: ModelRecipient, cause: HoldCause, at: number): void {
  r.state = 'held'
  r.cause = cause
  r.nextAt = at
  r.wish = false
  r.isReleased = false
}

function isBefore(a: ModelRecipient, b: ModelRecipient): boolean {
  return a.arrival < b.arrival || (a.arrival === b.arrival && a.n < b.n)
}
