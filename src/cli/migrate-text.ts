/** Batches and mailboxes of the move as lines for people. What comes from servers and files is made safe first. */
import type { z } from 'zod'
import type { batchSchema, orderedSchema, userDetailSchema, userSchema } from '../api/api.ts'
import { some } from '../migrate/migrate.ts'
import { escapeText } from '../trace/trace.ts'
import { bytes, cell, localTime, number, span, until } from './figures.ts'
import { table } from './io.ts'

export type Batch = z.infer<typeof batchSchema>
export type User = z.infer<typeof userSchema>
type Detail = z.infer<typeof userDetailSchema>

export const perSecond = (rate: Batch['now']): string =>
  `${rate.messagesPerSecond.toFixed(1)} messages/s, ${bytes(Math.round(rate.bytesPerSecond))}/s`

/** GB an hour, as moves are planned by. */
export const gbPerHour = (rate: Batch['now']): string => `${((rate.bytesPerSecond * 3600) / 1e9).toFixed(2)} GB/hour`

export const timeLeft = ({ secondsLeft }: Batch): string => (secondsLeft === undefined ? '-' : span(secondsLeft))

export function batchesText(batches: readonly Batch[]): string {
  const rows = batches.map((b) => [
    cell(b.name),
    b.status,
    `${b.percent} %`,
    number(b.chosen),
    number(b.summary.Synced),
    number(b.summary.Completed),
    number(b.summary.Failed),
    bytes(b.bytes),
    timeLeft(b),
    cell(b.statusWhy, 60),
  ])
  return table([
    ['NAME', 'STATUS', 'PERCENT', 'TOTAL', 'SYNCED', 'FINALIZED', 'FAILED', 'COPIED', 'TIME LEFT', 'WHY'],
    ...rows,
  ])
}

export function usersText(users: readonly User[]): string {
  const rows = users.map((u) => [
    String(u.row),
    cell(u.email, 50),
    u.status,
    `${u.percent} %`,
    number(u.messages),
    bytes(u.bytes),
    number(u.skipped),
    cell(u.statusWhy, 100),
  ])
  return table([['ROW', 'MAILBOX', 'STATUS', 'PERCENT', 'ITEMS', 'BYTES', 'SKIPPED', 'WHY'], ...rows])
}

export function batchText(b: Batch, now: number): string {
  const { settings } = b
  const lines: (readonly [string, string])[] = [
    ['Status', `${b.status} since ${localTime(b.statusAt)}: ${escapeText(b.statusWhy)}`],
    ['Mailboxes', `${number(b.chosen)} of ${number(b.mailboxes)} take part: ${summaryText(b)}`],
    ['Synced', `${b.percent} %, ${some(b.messages, 'message')}, ${bytes(b.bytes)} of ${bytes(b.allBytes)} known`],
    ['Left out', `${some(b.skipped, 'item')}${b.score === '' ? '' : `; data consistency: ${b.score}`}`],
    ['Rate', `${perSecond(b.now)}; over ten minutes ${gbPerHour(b.lately)}`],
    ['Time left', timeLeft(b)],
    ['At once', `source ${b.places.source}, target ${b.places.target} mailboxes (found by trying)`],
    ['Created', `${localTime(b.created)} by ${escapeText(b.createdBy)}`],
  ]
  if (b.started !== undefined) lines.push(['Started', localTime(b.started)])
  if (b.firstDone !== undefined) lines.push(['Initial sync', localTime(b.firstDone)])
  if (b.completed !== undefined) lines.push(['Completed', localTime(b.completed)])
  if (b.pausedUntil !== undefined) lines.push(['Paused', `it goes on ${until(b.pausedUntil, now)}`])
  if (b.lingerUntil !== undefined) lines.push(['Followed', `until ${localTime(b.lingerUntil)}`])
  if (b.toCheck > 0) lines.push(['To check', some(b.toCheck, 'mailbox')])
  if (settings !== undefined) lines.push(['Servers', `${placeText(settings.source)} to ${placeText(settings.target)}`])
  if (settings !== undefined) lines.push(['Passes', passesText(settings)])
  return `${cell(b.name, 64)}\n${table(lines.map(([name, value]) => [`  ${name}`, value]))}${activeText(b, now)}`
}

const placeText = ({ host, port, security, login }: NonNullable<Batch['settings']>['source']): string =>
  `${host}${port === undefined ? '' : `:${port}`} (${security}, ${login.kind})`

function passesText({ intervalMinutes, concurrency }: NonNullable<Batch['settings']>): string {
  const every = intervalMinutes === 0 ? 'near real time' : `every ${span(intervalMinutes * 60)}`
  return `${every}, ${some(concurrency, 'mailbox')} at once at most`
}

export function summaryText({ summary }: Batch): string {
  const parts = (['Active', 'Synced', 'Completed', 'Failed', 'Stopped'] as const).flatMap((name) =>
    summary[name] === 0 ? [] : [`${number(summary[name])} ${name.toLowerCase()}`],
  )
  return parts.length === 0 ? 'none' : parts.join(', ')
}

export function activeText({ active }: Batch, now: number): string {
  return active.map((one) => `  ${activeLine(one, now)}\n`).join('')
}

export function activeLine(one: Batch['active'][number], now: number): string {
  const { email, kind, folder, messages, messagesDone, bytes: all, bytesDone, waiting, waitingUntil } = one
  const part = all > 0 ? `${Math.floor((100 * bytesDone) / all)} %` : '-'
  const wait =
    waiting === ''
      ? ''
      : `  waits: ${cell(waiting, 60)}${waitingUntil === undefined ? '' : ` (${until(waitingUntil, now)})`}`
  if (kind !== 'pass')
    return `${cell(email, 40)}  ${kind === 'check' ? 'log-ins are tried' : 'both sides are compared'}${wait}`
  const what = `${number(messagesDone)} of ${some(messages, 'message')}, ${bytes(bytesDone)}`
  return `${cell(email, 40)}  ${part}  ${what}${folder === '' ? '' : `  ${cell(folder, 30)}`}${wait}`
}

export function detailText(d: Detail, now: number): string {
  const lines: (readonly [string, string])[] = [
    ['Status', `${d.status} since ${localTime(d.statusAt)}: ${escapeText(d.statusWhy)}`],
    ['Row', `${d.row} of the CSV file`],
    [
      'Log-ins',
      `${cell(d.userName, 80)} at ${d.servers.source}${formText(d.sourceForm)}; ${cell(d.targetUserName || d.email, 80)} at ${d.servers.target}${formText(d.targetForm)}`,
    ],
    [
      'Synced',
      `${d.percent} %, ${some(d.messages, 'message')}, ${bytes(d.bytes)}${d.allBytes === undefined ? '' : ` of ${bytes(d.allBytes)}`}`,
    ],
    ['Left out', `${some(d.skipped, 'item')}${d.score === '' ? '' : `; data consistency: ${d.score}`}`],
    ['Passes', `${number(d.passes)}, in progress for ${span(d.activeSeconds)}`],
  ]
  if (d.lastSynced !== undefined) lines.push(['Last synced', localTime(d.lastSynced)])
  if (d.next !== undefined) lines.push(['Next', until(d.next, now)])
  const trouble = d.trouble === undefined ? '' : troubleText(d)
  return [
    `${cell(d.email, 80)}\n`,
    table(lines.map(([name, value]) => [`  ${name}`, value])),
    trouble,
    d.active === undefined ? '' : `  ${activeLine(d.active, now)}\n`,
    ...(d.survey?.notes ?? []).map((line) => `  ${escapeText(line)}\n`),
    d.history.length === 0
      ? ''
      : `\n${table(d.history.map(({ at, status, why }) => [`  ${localTime(at)}`, status, escapeText(why)]))}`,
    skippedText(d),
  ].join('')
}

const formText = (form: string): string => (form === '' ? '' : ` (${form})`)

/** Which row, which server, what it said, what to try. */
export function troubleText({ row, email, trouble }: Pick<User, 'row' | 'email' | 'trouble'>): string {
  if (trouble === undefined) return ''
  const { side, server, what, words, remedy } = trouble
  const where = side === '' ? '' : ` at the ${side} ${escapeText(server)}`
  const said = words === '' ? '' : `\n    it said: ${escapeText(words)}`
  return `row ${row}, ${cell(email, 80)}:${where} ${escapeText(what)}${said}\n    try: ${escapeText(remedy)}\n`
}

function skippedText({ skippedItems, moreSkipped }: Detail): string {
  if (skippedItems.length === 0) return ''
  const rows = skippedItems.map((item) => [
    `  ${cell(item.folder, 30)}`,
    item.date === '' ? '-' : localTime(item.date),
    bytes(item.bytes),
    item.kind,
    cell(item.subject, 40),
    cell(item.why, 80),
  ])
  const rest = moreSkipped > 0 ? `  and ${number(moreSkipped)} more: causeway migrate report NAME --out DIR\n` : ''
  return `\nleft out, or changed on the way:\n${table([['  FOLDER', 'DATE', 'SIZE', 'KIND', 'SUBJECT', 'WHY'], ...rows])}${rest}`
}

export function warningsText({ warnings }: z.infer<typeof orderedSchema>, file: string): string {
  return warnings
    .map(
      ({ row, column, what, remedy }) =>
        `${file}:${row}: warning: ${escapeText(column)}: ${escapeText(what)}; ${remedy}\n`,
    )
    .join('')
}
