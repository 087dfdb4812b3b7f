/** What the faults ask of the queue, by its API. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KeptOne } from './ledger.ts'
import type { Served } from './served.ts'

export type Totals = {
  readonly taken: number
  readonly delivered: number
  readonly returned: number
  readonly dropped: number
  readonly waiting: number
  readonly running: number
  readonly held: number
}

/** The sum of its books that must never be off by one (docs/flow.md). */
export const isBalanced = (t: Totals): boolean =>
  t.taken === t.delivered + t.returned + t.dropped + t.waiting + t.running + t.held

/** undefined: the program has no queue. */
export async function totals(served: Served): Promise<Totals | undefined> {
  const answer = await served.ask('GET', '/v1/queue/totals')
  return (answer?.body as { readonly totals: Totals } | undefined)?.totals
}

type Listed = { readonly messageId: string; readonly recipients: readonly { readonly address: string }[] }

/** Everybody who is in the queue. */
export async function keptIn(served: Served): Promise<readonly KeptOne[]> {
  const kept: KeptOne[] = []
  for (let after = ''; ; ) {
    const answer = await served.ask('GET', `/v1/queue?limit=1000${after}`)
    if (answer === undefined) return kept
    const { items, next } = answer.body as { items: readonly Listed[]; next?: string }
    for (const { messageId, recipients } of items)
      for (const { address } of recipients) kept.push({ id: ledgerId(messageId), recipient: address })
    if (next === undefined) return kept
    after = `&after=${encodeURIComponent(next)}`
  }
}

/** `<ID@ledger.example>` */
const ledgerId = (messageId: string): string => /^<?([^@]*)@/.exec(messageId)?.[1] ?? messageId

/** Tries what waits, again and again, until nobody waits any more. What is held stays. */
export async function drain(served: Served, withinMs = 60_000): Promise<void> {
  const until = performance.now() + withinMs
  for (let last = 0; ; ) {
    const now = await totals(served)
    if (now === undefined || now.waiting + now.running === 0) return
    if (performance.now() > until)
      throw new Error(`the queue is not empty after ${withinMs / 1000} s: ${JSON.stringify(now)}`)
    // Only when it stands still: with much in the queue each such order is work of its own.
    if (now.waiting > 0 && now.waiting >= last) await retryAll(served)
    last = now.waiting
    await sleep(200)
  }
}

export const retryAll = (served: Served): Promise<unknown> => served.ask('POST', '/v1/queue/retry', { all: true })
export const releaseAll = (served: Served): Promise<unknown> => served.ask('POST', '/v1/queue/release', { all: true })

/** Its own books, as a list of what is wrong with them. */
export async function balance(served: Served): Promise<readonly string[]> {
  const now = await totals(served)
  return now === undefined || isBalanced(now) ? [] : [`the running count is off: ${JSON.stringify(now)}`]
}
