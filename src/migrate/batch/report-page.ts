/** The report as text and as a page that prints well. */
import { escapeText, spanText } from '../../trace/trace.ts'
import { bytesText, some } from './plural.ts'
import type { MailboxRow } from './tables.ts'
import type { BatchView } from './views.ts'

export type Facts = {
  readonly view: BatchView
  readonly failed: readonly MailboxRow[]
  /** Those with something left out, the most first. */
  readonly short: readonly MailboxRow[]
  readonly at: number
}

/** More stand in the CSV files. */
const mostShown = 100

const time = (at: number | undefined): string =>
  at === undefined ? '-' : `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** GB an hour, as moves are planned by. */
export const gbPerHour = (bytesPerSecond: number): string => `${((bytesPerSecond * 3600) / 1e9).toFixed(2)} GB/hour`

function figures({ view }: Facts): readonly (readonly [string, string])[] {
  const { summary, sums, lately } = view
  const ran = view.startedAt === undefined ? 0 : (view.firstDoneAt ?? view.completedAt ?? Date.now()) - view.startedAt
  return [
    ['Status', `${view.status} since ${time(view.statusAt)}: ${view.statusWhy}`],
    ['Mailboxes', `${sums.chosen} of ${sums.mailboxes}`],
    ['Synced', String(summary.Synced)],
    ['Finalized', String(summary.Completed)],
    ['In progress', String(summary.Active)],
    ['Stopped', String(summary.Stopped)],
    ['Failed', String(summary.Failed)],
    ['Percentage synced', `${view.percent} %`],
    ['Items synced', `${sums.messages.toLocaleString('en-US')} (${bytesText(sums.bytes)})`],
    ['Items left out', sums.skipped.toLocaleString('en-US')],
    ['Data consistency', sums.score === '' ? '-' : sums.score],
    ['Transfer rate lately', `${gbPerHour(lately.bytesPerSecond)}, ${lately.messagesPerSecond.toFixed(1)} messages/s`],
    ['Time left', view.secondsLeft === undefined ? '-' : spanText(view.secondsLeft * 1000)],
    ['Created', `${time(view.createdAt)} by ${view.createdBy}`],
    ['Started', time(view.startedAt)],
    ['Initial sync', view.firstDoneAt === undefined ? '-' : `${time(view.firstDoneAt)}, in ${spanText(ran)}`],
    ['Completed', time(view.completedAt)],
  ]
}

const serversOf = ({ settings }: BatchView): string =>
  settings === undefined ? '' : `${settings.source.host} to ${settings.target.host}`

export function reportText(facts: Facts): string {
  const { view, failed, short } = facts
  const rows = figures(facts)
  const width = Math.max(...rows.map(([name]) => name.length))
  return [
    `Migration batch ${view.name}: ${view.status}`,
    `${serversOf(view)}, as of ${time(facts.at)}`,
    '',
    ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    '',
    ...(failed.length === 0 ? [] : [`${some(failed.length, 'mailbox')} with errors:`, '']),
    ...failed
      .slice(0, mostShown)
      .flatMap((m) => [
        `row ${m.row}, ${m.email}: ${m.statusWhy}`,
        ...(m.trouble === undefined ? [] : [`    ${m.trouble.remedy}`]),
      ]),
    ...more(failed.length),
    ...(short.length === 0 ? [] : ['', `${some(short.length, 'mailbox')} with items left out:`, '']),
    ...short.slice(0, mostShown).map((m) => `${m.email}: ${some(m.skipped, 'item')}`),
    ...more(short.length),
    '',
    'All mailboxes stand in MigrationStatistics.csv and MigrationErrors.csv.',
    '',
  ]
    .map(escapeText)
    .join('\n')
}

const more = (count: number): readonly string[] =>
  count > mostShown ? [`and ${count - mostShown} more, in the CSV files`] : []

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const html = (text: string): string => text.replaceAll(/[&<>"']/g, (c) => entities[c] ?? c).replaceAll(/\p{Cc}/gu, ' ')

/** Nothing in it is loaded from anywhere, and no script runs. */
const style = `
body { font: 14px/1.45 "Segoe UI", system-ui, sans-serif; color: #1b1b1b; background: #fff; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p { margin: .25rem 0; color: #444 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ddd }
thead { display: table-header-group } th { font-weight: 600 } td.n { text-align: right }
tr { break-inside: avoid }
@media print { body { margin: 0; max-width: none; font-size: 10pt } h2 { break-after: avoid } @page { margin: 15mm } }
`.trim()

export function reportHtml(facts: Facts): string {
  const { view, failed, short } = facts
  const title = `Migration batch ${view.name}: ${view.status}`
  const rows = figures(facts).map(
    ([name, value]) => `<tr><th scope="row">${html(name)}</th><td>${html(value)}</td></tr>`,
  )
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
    `<title>${html(title)}</title><style>${style}</style></head><body>`,
    `<h1>${html(title)}</h1><p>${html(serversOf(view))}, as of ${time(facts.at)}</p>`,
    `<table><tbody>${rows.join('\n')}</tbody></table>`,
    failedTable(failed),
    shortTable(short),
    '</body></html>',
    '',
  ].join('\n')
}

function failedTable(failed: readonly MailboxRow[]): string {
  if (failed.length === 0) return '<h2>No errors</h2>'
  const rows = failed.slice(0, mostShown).map((m) => {
    const cells = [String(m.row), m.email, m.status, m.statusWhy, m.trouble?.remedy ?? '']
    return `<tr>${cells.map((cell) => `<td>${html(cell)}</td>`).join('')}</tr>`
  })
  const head = ['Row', 'Mailbox', 'Status', 'Error', 'What to try']
  return tableOf(`${some(failed.length, 'mailbox')} with errors`, head, rows, failed.length)
}

function shortTable(short: readonly MailboxRow[]): string {
  if (short.length === 0) return ''
  const rows = short
    .slice(0, mostShown)
    .map((m) => `<tr><td>${html(m.email)}</td><td class="n">${m.skipped.toLocaleString('en-US')}</td></tr>`)
  return tableOf(`${some(short.length, 'mailbox')} with items left out`, ['Mailbox', 'Items'], rows, short.length)
}

function tableOf(title: string, head: readonly string[], rows: readonly string[], count: number): string {
  const cells = head.map((name) => `<th scope="col">${html(name)}</th>`).join('')
  const rest = more(count).map((text) => `<p>${html(text)}</p>`)
  return `<h2>${html(title)}</h2>\n<table><thead><tr>${cells}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table>${rest.join('')}`
}
