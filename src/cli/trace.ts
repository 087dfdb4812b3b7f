/** `causeway trace`: what happened to messages. */
import type { Command } from 'commander'
import { z } from 'zod'
import { eventSchema } from '../api/api.ts'
import { escapeText, type TraceEvent } from '../trace/trace.ts'
import { connect } from './client.ts'
import { entryNote } from './explanation-text.ts'
import { localTime } from './figures.ts'
import { type CliParts, jsonText, type Run, shared } from './io.ts'

type Options = {
  id?: string
  messageId?: string
  from?: string
  to?: string
  since?: string
  until?: string
  limit?: string
  csv?: boolean
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
      const { at, json } = shared(command)
      const client = connect(at)
      const path = `${options.csv === true ? '/v1/trace.csv' : '/v1/trace'}?${queryOf(options)}`
      if (options.csv === true) {
        io.out(await client.text(path))
        return 0
      }
      const { events } = await client.get(path, z.object({ events: z.array(eventSchema) }))
      io.out(json ? jsonText(events) : storyText(events))
      if (events.length === 0) io.err('no message matches\n')
      return events.length === 0 ? 1 : 0
    })(),
  )
}

function queryOf({ csv: _, ...options }: Options): string {
  return new URLSearchParams(
    Object.entries(options).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  ).toString()
}

/** The events of each message under one heading, in order. */
export function storyText(events: readonly TraceEvent[]): string {
  const stories = Map.groupBy(events, (e) => e.id)
  return [...stories]
    .map(([id, story]) => [heading(id, story), ...story.map(eventLine)].map(escapeText).join('\n'))
    .join('\n\n')
    .concat('\n')
}

function heading(id: string, story: readonly TraceEvent[]): string {
  const receive = story.find((e) => e.kind === 'RECEIVE') ?? story[0]
  return `${id}  ${receive?.messageId ?? ''}  ${receive?.subject ?? ''}`.trimEnd()
}

function eventLine(e: TraceEvent): string {
  return `  ${localTime(new Date(e.at).toISOString())}  ${e.kind.padEnd(8)} ${factsOf(e)}`
}

/** The reason mostly holds the reply already. */
function wordsOnce(reply: string, why: string): string {
  return why.includes(reply) ? why : `${reply}; ${why}`
}

function factsOf(e: TraceEvent): string {
  const to = e.recipients?.map((r) => `<${r}>`).join(', ') ?? ''
  switch (e.kind) {
    case 'RECEIVE':
      return `<${e.sender ?? ''}> -> ${to}, ${e.bytes ?? 0} bytes from ${e.peer ?? ''} [${e.client ?? ''}]: ${e.why ?? ''}`
    case 'REWRITE':
      return e.new === undefined
        ? `${e.field ?? ''} ${e.why ?? ''}`
        : `${e.field ?? ''}: ${e.old ?? ''} -> ${e.new}${entryNote(e.old ?? '', e.new, e.entry ?? '')}`
    case 'AUTH':
      return [e.new, e.why].filter((fact) => fact !== undefined && fact !== '').join('; ')
    case 'SIGN':
      return e.new ?? e.why ?? ''
    case 'SEND':
    case 'DEFER':
    case 'FAIL':
      return `${to} at ${e.server ?? ''}: ${wordsOnce(e.reply ?? '', e.why ?? '')}`
    case 'REJECT':
      return `${e.sender === undefined ? '' : `<${e.sender}> -> ${to} `}[${e.client ?? ''}] ${e.reply ?? ''}: ${e.why ?? ''}`
    case 'LOOP':
    case 'PLAN':
    case 'KEEP':
    case 'HOLD':
    case 'RELEASE':
    case 'RETURN':
    case 'DROP':
      return [to, e.reply, e.why].filter((fact) => fact !== undefined && fact !== '').join(': ')
  }
}
