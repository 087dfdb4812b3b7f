/** `causeway trace`: what happened to messages. */
import type { Command } from 'commander'
import { z } from 'zod'
import { escapeText } from '../trace/trace.ts'
import type { CliParts } from './cli.ts'
import { connect } from './client.ts'
import { type Run, shared } from './io.ts'

type Options = { id?: string; messageId?: string; from?: string; to?: string; since?: string; until?: string; limit?: string; csv?: boolean }

const event = z.looseObject({
  at: z.number(),
  id: z.string(),
  kind: z.string(),
  ...Object.fromEntries(['messageId', 'sender', 'peer', 'client', 'server', 'field', 'old', 'new', 'entry', 'reply', 'why', 'subject'].map((k) => [k, z.string().optional()])),
  recipients: z.array(z.string()).optional(),
})
type Event = {
  readonly at: number
  readonly id: string
  readonly kind: string
  readonly recipients?: readonly string[] | undefined
  readonly [text: string]: unknown
}

export function traceCommand(program: Command, { io }: CliParts, run: Run): void {
  const command = program
    .command('trace')
    .description('what happened to messages, step by step')
    .option('--id <id>', 'our id, as in the 250 reply')
    .option('--message-id <id>', 'Message-ID')
    .option('--from <address>', 'envelope sender, given or rewritten')
    .option('--to <address>', 'recipient, given or rewritten')
    .option('--since <time>', 'ISO 8601, or a span back from now: 30m, 2h, 7d')
    .option('--until <time>', 'ISO 8601, or a span back from now')
    .option('--limit <n>', 'messages; the newest', '100')
    .option('--csv', 'as a message tracking log of Exchange')
    
  command.action((options: Options) =>
    run(async () => {
      const { data, json } = shared(command)
      const client = connect(data)
      const path = `${options.csv === true ? '/v1/trace.csv' : '/v1/trace'}?${queryOf(options)}`
      if (options.csv === true) {
        io.out(await client.text(path))
        return 0
      }
      const { events } = await client.get(path, z.object({ events: z.array(event) }))
      io.out(json ? `${JSON.stringify(events, undefined, 2)}\n` : storyText(events))
      if (events.length === 0) io.err('no message matches\n')
      return events.length === 0 ? 1 : 0
    })(),
  )
}

function queryOf({ csv: _, ...options }: Options): string {
  return new URLSearchParams(Object.entries(options).filter((pair): pair is [string, string] => typeof pair[1] === 'string')).toString()
}

/** The events of each message under one heading, in order. */
export function storyText(events: readonly Event[]): string {
  const stories = Map.groupBy(events, (e) => e.id)
  return [...stories].map(([id, story]) => [heading(id, story), ...story.map(eventLine)].map(escapeText).join('\n')).join('\n\n').concat('\n')
}

function heading(id: string, story: readonly Event[]): string {
  const receive = story.find((e) => e.kind === 'RECEIVE') ?? story[0]
  return `${id}  ${text(receive?.messageId)}  ${text(receive?.subject)}`.trimEnd()
}

function eventLine(event: Event): string {
  return `  ${new Date(event.at).toISOString()}  ${event.kind.padEnd(8)} ${factsOf(event)}`
}

function factsOf(event: Event): string {
  const { kind, recipients, why } = event
  const to = recipients?.map((r) => `<${r}>`).join(', ') ?? ''
  switch (kind) {
    case 'RECEIVE':
      return `<${text(event.sender)}> -> ${to}, ${text(event.bytes)} bytes from ${text(event.peer)} [${text(event.client)}]: ${text(why)}`
    case 'REWRITE':
      return event.new === undefined ? `${text(event.field)} ${text(why)}` : `${text(event.field)}: ${text(event.old)} -> ${text(event.new)}   (${text(event.entry)})`
    case 'SIGN':
      return text(event.new)
    case 'SEND':
    case 'DEFER':
    case 'FAIL':
      return `${to} at ${text(event.server)}: ${text(event.reply)}; ${text(why)}`
    default:
      return `${to} ${text(event.reply)}: ${text(why)}`.trimStart()
  }
}

const text = (value: unknown): string => (value === undefined ? '' : String(value))
