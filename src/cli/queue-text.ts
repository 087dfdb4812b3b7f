/** The queue as an operator reads it. */
import type { z } from 'zod'
import type { lanesSchema, queueItemSchema, queueTotalsSchema } from '../api/api.ts'
import { escapeText } from '../trace/trace.ts'
import { bytes, cell, localTime, mailbox, number, some, span, until, withLocalTimes } from './figures.ts'
import { table } from './io.ts'

type Item = z.infer<typeof queueItemSchema>
type Recipient = Item['recipients'][number]
type Totals = z.infer<typeof queueTotalsSchema>

export function totalsText({ totals: t, addsUp, messages, bytes: size, oldest, disk }: Totals): string {
  const parts = (['delivered', 'returned', 'dropped', 'waiting', 'running', 'held'] as const).map(
    (part) => `${part} ${number(t[part])}`,
  )
  const sum = `recipients taken ${number(t.taken)} = ${parts.join(' + ')}`
  const age =
    oldest === undefined
      ? ''
      : `; the oldest waits since ${localTime(oldest.since)} (${span(oldest.ageSeconds)}), ${oldest.id}`
  const room = disk.isLow ? `LOW: ${escapeText(disk.why)}` : `${bytes(disk.freeBytes)} free`
  return [
    addsUp ? sum : `${sum}\nTHIS DOES NOT ADD UP: please report it, with a copy of queue.db`,
    `in the queue ${some(messages, 'message')}, ${bytes(size)}${age}`,
    `disk ${room}`,
    '',
  ].join('\n')
}

type Lane = z.infer<typeof lanesSchema>['lanes'][number]

/** With a DNS that is down there are as many next hops in trouble as there are domains that people write to. */
const mostLanes = 20

const inLane = ({ waiting, running, held }: Lane): number => waiting + running + held

/** First those where somebody must mend something, then those with most mail. */
export function lanesText(all: readonly Lane[]): string {
  if (all.length === 0) return ''
  const isForPeople = ({ trouble }: Lane): number => (trouble === 'operator' ? 1 : 0)
  const sorted = all.toSorted((a, b) => isForPeople(b) - isForPeople(a) || inLane(b) - inLane(a))
  const [lanes, others] = [sorted.slice(0, mostLanes), sorted.slice(mostLanes)]
  const rows = lanes.map((l) => [
    cell(l.lane, 48),
    number(l.waiting),
    number(l.running),
    number(l.held),
    span(l.ageSeconds),
    l.trouble ?? '-',
    cell(lastWords(l), 60) || '-',
  ])
  const wrong = lanes
    .filter((l) => l.trouble !== undefined)
    .map((l) => `${cell(l.lane, 48)}: ${escapeText(l.advice)}\n`)
  const head = ['NEXT HOP', 'WAITING', 'RUNNING', 'HELD', 'OLDEST', 'TROUBLE', 'LAST WORDS']
  return `\n${table([head, ...rows])}${othersText(others)}${wrong.length === 0 ? '' : `\n${wrong.join('')}`}`
}

function othersText(lanes: readonly Lane[]): string {
  if (lanes.length === 0) return ''
  const recipients = lanes.reduce((sum, lane) => sum + inLane(lane), 0)
  const inTrouble = lanes.filter(({ trouble }) => trouble !== undefined).length
  return `and ${some(lanes.length, 'next hop')} more with ${some(recipients, 'recipient')}, ${number(inTrouble)} of them in trouble (--json lists all)\n`
}

/** A line for each recipient. */
export function listText(items: readonly Item[], now: number): string {
  const rows = items.flatMap((item) => [
    ...item.recipients.map((r) => [
      item.id,
      span(item.ageSeconds),
      mailbox(item.sender, 32),
      mailbox(r.address, 36),
      stateText(r),
      String(r.attempts),
      nextText(r, now) ?? '-',
      cell(lastWords(r), 60) || '-',
    ]),
    ...(item.moreRecipients === undefined
      ? []
      : [[item.id, '', '', `and ${some(item.moreRecipients, 'recipient')} more`]]),
  ])
  return table([['ID', 'AGE', 'SENDER', 'RECIPIENT', 'STATE', 'TRIES', 'NEXT', 'LAST WORDS'], ...rows])
}

/** What is due while its next hop is left in peace goes when the hop is asked again. */
function nextText({ nextAttempt, awaitsProbe }: Recipient, now: number): string | undefined {
  if (nextAttempt === undefined) return undefined
  return `${awaitsProbe === true ? 'with the next probe, ' : ''}${until(nextAttempt, now)}`
}

/** What the next hop said last; in brackets what we say, where it said nothing or something else has happened since. */
const lastWords = ({ reply, why }: { readonly reply: string; readonly why: string }): string =>
  why === '' || (reply !== '' && why.includes(reply)) ? reply : `(${why})`

function stateText({ state, cause, trouble }: Recipient): string {
  if (cause !== undefined) return `${state} (${cause})`
  return trouble === undefined || state === 'running' ? state : `${state} (${trouble})`
}

/** Everything about one message. */
export function itemText(item: Item, now: number): string {
  const facts: readonly (readonly [string, string])[] = [
    ['received', `${localTime(item.received)}, ${span(item.ageSeconds)} ago`],
    ['from', item.peer],
    ['sender', `<${item.sender}>`],
    ['subject', item.subject],
    ['message-id', item.messageId],
    ['size', bytes(item.size)],
    ...(item.warned === undefined ? [] : [['warned', localTime(item.warned)] as const]),
  ]
  const head = facts.map(([name, value]) => `  ${name.padEnd(10)}  ${escapeText(value)}\n`)
  return `${item.id}\n${head.join('')}${item.recipients.map((r) => recipientText(r, now)).join('')}`
}

function recipientText(r: Recipient, now: number): string {
  const last = r.lastAttempt === undefined ? 'none yet' : `${r.attempts}, the last at ${localTime(r.lastAttempt)}`
  const next = r.nextAttempt === undefined ? [] : [['next', `${localTime(r.nextAttempt)}, ${nextText(r, now) ?? ''}`]]
  const facts = [
    ['state', stateText(r)],
    ['next hop', r.lane],
    ['attempts', last],
    ...next,
    ...(r.reply === '' ? [] : [['last words', r.reply]]),
    ['why', r.why],
    ...(r.by === undefined ? [] : [['by', r.by]]),
    ['advice', withLocalTimes(r.advice)],
  ]
  const lines = facts.map(([name = '', value = '']) => `    ${name.padEnd(10)}  ${escapeText(value)}\n`)
  return `  <${escapeText(r.address)}>\n${lines.join('')}`
}
