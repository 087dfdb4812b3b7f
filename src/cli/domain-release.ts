/** `causeway domain release`: the held mail of a domain goes. */
import type { Command } from 'commander'
import type { z } from 'zod'
import { releaseEndedSchema, releaseSchema } from '../api/api.ts'
import { escapeText } from '../trace/trace.ts'
import { connect } from './client.ts'
import { isConfirmed } from './confirm.ts'
import { localTime, some } from './figures.ts'
import { type CliParts, jsonText, type Run, Stop, shared } from './io.ts'

type Options = {
  readonly whenAccepted?: boolean
  readonly rate?: string
  readonly stop?: boolean
  readonly status?: boolean
  readonly yes?: boolean
}

export function addRelease(group: Command, { io }: CliParts, run: Run): void {
  const command = group
    .command('release')
    .description('let the held mail of a domain go, in the order in which it came')
    .argument('<name>')
    .option('--when-accepted', 'each recipient only once the target says that it takes the address')
    .option('--rate <n>', 'recipients a minute (default: 300)')
    .option('--stop', 'end a release: what is still held stays held')
    .option('--status', 'how far it is')
    .option('--yes', 'do not ask before a release with --when-accepted is replaced by one without')

  command.action((name: string, options: Options) =>
    run(async () => {
      const { at, json } = shared(command)
      if (options.stop === true && options.status === true)
        throw new Stop(2, '--stop stands beside --status: say one of the two')
      const isOrder = options.stop !== true && options.status !== true
      if (!isOrder && (options.whenAccepted === true || options.rate !== undefined))
        throw new Stop(2, '--when-accepted and --rate are of a new order: --stop and --status stand alone')
      const client = connect(at)
      const path = `/v1/domains/${encodeURIComponent(name)}/release`
      if (options.stop === true) {
        const ended = await client.send('DELETE', path, undefined, releaseEndedSchema)
        io.out(json ? jsonText(ended, 0) : `${escapeText(ended.domain)}: what is still held stays held\n`)
        return 0
      }
      if (isOrder) {
        const order = orderOf(options)
        const { order: standing } = await client.get(path, releaseSchema)
        const replace = standing?.whenAccepted === true && !order.whenAccepted
        if (replace && !(await isConfirmed(io, all(name), options.yes === true))) return 1
        await client.send('POST', path, { ...order, replace }, releaseSchema)
      }
      const found = await client.get(path, releaseSchema)
      io.out(json ? jsonText(found) : releaseText(found))
      return 0
    })(),
  )
}

const all = (name: string): string =>
  `let all mail of ${name} go at once, where a release goes on that asks the target first`

function orderOf({ whenAccepted, rate }: Options) {
  if (rate !== undefined && (!/^[1-9]\d{0,5}$/.test(rate) || Number(rate) > 100_000))
    throw new Stop(2, `--rate is "${rate}": write a number from 1 to 100000`)
  return { whenAccepted: whenAccepted === true, ...(rate === undefined ? {} : { perMinute: Number(rate) }) }
}

function releaseText({ domain, mode, held, isAtLeast, order, last, advice }: z.infer<typeof releaseSchema>): string {
  const count = `${some(held, 'recipient')}${isAtLeast ? ' and more' : ''} held`
  return [
    `${domain}: mode ${mode ?? 'none (not a domain of the project)'}, ${count}`,
    ...(order === undefined ? ['no release is going on'] : orderLines(order)),
    ...(order === undefined && last !== undefined ? lastLines(last) : []),
    escapeText(advice),
    '',
  ].join('\n')
}

const kindText = { refused: 'refused for good', later: 'not now', unreached: 'not reached' }

type Release = z.infer<typeof releaseSchema>

function lastLines(last: NonNullable<Release['last']>): readonly string[] {
  const [first = '', ...rest] = orderLines(last)
  return [`the last ${first}, ended ${localTime(last.ended)}`, ...rest]
}

function orderLines(order: NonNullable<Release['order']>): readonly string[] {
  const { whenAccepted, perMinute, by, since, released, asked, notAccepted, noes } = order
  const how = `${perMinute} a minute${whenAccepted ? ', each once the target accepts it' : ''}`
  const probes = whenAccepted ? `; asked ${asked}, of these not accepted ${notAccepted}` : ''
  const last = noes.map(({ kind, count, words }) => `  ${kindText[kind]} ${count}, last: ${escapeText(words)}`)
  return [`release since ${localTime(since)} by ${escapeText(by)}, ${how}`, `released ${released}${probes}`, ...last]
}
