/** `causeway domain attempts`: who was asked to come back, and who did. */
import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { z } from 'zod'
import { attemptsPageSchema, attemptsSettledSchema, statusText } from '../api/api.ts'
import { escapeText } from '../trace/trace.ts'
import { connect } from './client.ts'
import { cell, localTime, mailbox, number, some, span } from './figures.ts'
import { type CliParts, type GatewayPlace, type Io, jsonText, type Run, Stop, shared, table } from './io.ts'

type Page = z.infer<typeof attemptsPageSchema>
/** As many as were asked for. */
type Pages = Pick<Page, 'domain' | 'items'> & { readonly summary: NonNullable<Page['summary']> }
type Found = { readonly page: Pages; readonly isCut: boolean }
type Options = { readonly csv?: string; readonly only?: string; readonly limit: string; readonly done?: boolean }
const statuses = ['came back', 'waiting', 'possibly lost', 'settled']

export function addAttempts(group: Command, { io }: CliParts, run: Run): void {
  const command = group
    .command('attempts')
    .description('senders that were asked to come back: who did, who has time left, whose mail is possibly lost')
    .argument('<name>')
    .option('--only <status>', statuses.join(', '))
    .option('--limit <n>', 'pairs of sender and recipient', '100')
    .option('--csv <file>', 'all of them, into a file (- is standard output)')
    .option('--done', 'all that have not come back so far are seen to: no warning speaks of them any more')

  command.action((name: string, options: Options) =>
    run(async () => {
      const { at, json } = shared(command)
      const path = `/v1/domains/${encodeURIComponent(name)}/attempts`
      if (options.done === true) {
        const { domain, settled } = await connect(at).send('POST', `${path}/done`, undefined, attemptsSettledSchema)
        io.out(json ? jsonText({ domain, settled }, 0) : `${escapeText(domain)}: ${some(settled, 'pair')} settled\n`)
        return 0
      }
      if (options.csv !== undefined) return save(io, options.csv, await connect(at).text(`${path}.csv`))
      const { page, isCut } = await pageOf(at, path, options)
      io.out(json ? jsonText(page) : attemptsText(page))
      if (isCut && !json) io.err('there are more: --limit shows more of them, --csv FILE all\n')
      return page.summary.possiblyLost === 0 ? 0 : 1
    })(),
  )
}

function save(io: Io, file: string, text: string): number {
  if (file === '-') {
    io.out(text)
    return 0
  }
  try {
    // Excel and Windows PowerShell take a file for UTF-8 only when its first character says so.
    const mark = /[^\x00-\x7f]/.test(text) ? '\ufeff' : ''
    writeFileSync(file, mark + text, { mode: 0o600 })
  } catch (error) {
    throw new Stop(3, `cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
  io.out(`written to ${file}\n`)
  return 0
}

/** As many as were asked for, over as many pages as it takes. */
async function pageOf(at: GatewayPlace, path: string, { only, limit }: Options): Promise<Found> {
  const client = connect(at)
  if (only !== undefined && !statuses.includes(only)) throw new Stop(2, `--only is one of ${statuses.join(', ')}`)
  const most = Number(limit)
  if (!Number.isSafeInteger(most) || most < 1) throw new Stop(2, `--limit is "${limit}": write a number from 1 on`)
  const get = (after?: string): Promise<Page> => {
    const fields = { limit: '1000', ...(only === undefined ? {} : { only }), ...(after === undefined ? {} : { after }) }
    return client.get(`${path}?${new URLSearchParams(fields).toString()}`, attemptsPageSchema)
  }
  const first = await get()
  if (first.summary === undefined) throw new Stop(3, 'the gateway gave no summary: is it of another version?')
  const items = [...first.items]
  let { next } = first
  while (next !== undefined && items.length < most) {
    const page = await get(next)
    items.push(...page.items)
    next = page.next
  }
  const page = { domain: first.domain, summary: first.summary, items: items.slice(0, most) }
  return { page, isCut: next !== undefined || items.length > most }
}

function attemptsText({ domain, summary: s, items }: Pages): string {
  const counts = `${number(s.pairs)} = came back ${number(s.cameBack)} + waiting ${number(s.waiting)} + possibly lost ${number(s.possiblyLost)}${s.settled === 0 ? '' : ` + settled ${number(s.settled)}`}`
  const rows = items.map((a) => [
    statusText(a),
    mailbox(a.sender, 36),
    mailbox(a.recipient, 36),
    localTime(a.firstAttempt),
    String(a.attempts),
    a.secondsLeft === undefined ? '-' : span(a.secondsLeft),
    cell(a.helo, 48),
    cell(a.why, 60),
  ])
  const head = ['STATUS', 'SENDER', 'RECIPIENT', 'FIRST ATTEMPT', 'TRIES', 'TIME LEFT', 'NAME', 'PATIENCE']
  const lines = [`${domain}: pairs of sender and recipient ${counts}`, ...summaryLines(s)]
  return `${lines.join('\n')}\n${items.length === 0 ? '' : `\n${table([head, ...rows])}`}`
}

function summaryLines({ oldest, next, leftOut, warning }: Pages['summary']): readonly string[] {
  return [
    ...(oldest === undefined ? [] : [`the oldest that waits: ${span(oldest.ageSeconds)}, ${pair(oldest)}`]),
    ...(next === undefined ? [] : [`the next to give up: in ${span(next.secondsLeft)}, ${pair(next)}`]),
    ...(leftOut === 0 ? [] : [`${number(leftOut)} attempts found the ledger full and are not in it`]),
    ...(warning === undefined ? [] : [`WARNING: ${escapeText(warning)}`]),
  ]
}

const pair = (p: { readonly sender: string; readonly recipient: string }): string =>
  `${mailbox(p.sender)} -> ${mailbox(p.recipient)}`
