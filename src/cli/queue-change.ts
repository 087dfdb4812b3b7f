/** `causeway queue hold|retry|release|return|drop`: shown first, then asked, then done. */
import type { Command } from 'commander'
import type { z } from 'zod'
import { previewSchema, touchedSchema } from '../api/api.ts'
import { connect } from './client.ts'
import { isConfirmed } from './confirm.ts'
import { some } from './figures.ts'
import { type CliParts, jsonText, type Run, Stop, shared } from './io.ts'
import { type FilterOptions, filterOf, queryOf, withFilter } from './queue-filter.ts'
import { listText } from './queue-text.ts'

const verbs = {
  hold: {
    what: 'keep waiting mail until it is released',
    done: 'held',
    before: 'nothing is tried until you release it',
  },
  retry: { what: 'try waiting mail now', done: 'due now', before: 'tried at once, the next hop willing' },
  release: { what: 'let held mail go', done: 'released', before: 'tried at once, in the order in which it came' },
  return: {
    what: 'give mail back to its sender, with a report',
    done: 'going back',
    before: 'its senders get a report',
  },
  drop: { what: 'destroy mail; nobody is told', done: 'dropped', before: 'DESTROYED, and nobody is told' },
} as const
type Verb = keyof typeof verbs
type Options = FilterOptions & { readonly all?: boolean; readonly yes?: boolean }
type Preview = z.infer<typeof previewSchema>
type Touched = z.infer<typeof touchedSchema>

export function addChanges(queue: Command, parts: CliParts, run: Run): void {
  for (const verb of ['hold', 'retry', 'release', 'return', 'drop'] as const) {
    const command = withFilter(queue.command(verb).description(verbs[verb].what))
      .option('--all', 'everything in the queue')
      .option('--yes', 'do not ask')
    command.action((options: Options) => run(() => change(verb, command, options, parts))())
  }
}

async function change(verb: Verb, command: Command, options: Options, { io }: CliParts): Promise<number> {
  const { at, json } = shared(command)
  const filter = filterOf(options)
  checkMeant(filter, options)
  const client = connect(at)
  const all = options.all === true
  const query = queryOf({ ...filter, action: verb, ...(all ? { all: 'true' } : {}) })
  const preview = await client.get(`/v1/queue/preview?${query}`, previewSchema)
  if (preview.recipients === 0) {
    io.err(`nothing to ${verb}\n`)
    if (json) io.out(jsonText({ touched: 0, running: 0, left: preview.left }, 0))
    return 1
  }
  // What a program reads holds the answer only.
  if (json) io.err(previewText(verb, preview))
  else io.out(previewText(verb, preview))
  if (!(await isConfirmed(io, `${verb} ${countText(preview)}`, options.yes === true))) return 1
  const touched = await client.send('POST', `/v1/queue/${verb}`, { ...filter, ...(all ? { all } : {}) }, touchedSchema)
  io.out(json ? jsonText(touched, 0) : touchedText(verb, touched))
  return 0
}

/** Before anything is asked: a change without a filter is a slip of the hand. */
function checkMeant(filter: Readonly<Record<string, unknown>>, { all }: Options): void {
  const isEmpty = Object.keys(filter).length === 0
  if (isEmpty && all !== true) throw new Stop(2, 'no filter is given: name what is meant, or say --all for everything')
  if (!isEmpty && all === true) throw new Stop(2, '--all stands beside a filter: say one of the two')
}

function countText({ recipients, messages, isAtLeast }: Preview): string {
  return `${some(recipients, 'recipient')} of ${some(messages, 'message')}${isAtLeast ? ' and more' : ''}`
}

function previewText(verb: Verb, preview: Preview): string {
  const { examples, messages, silent, left, why = '' } = preview
  const more = messages > examples.length ? [`and ${some(messages - examples.length, 'message')} more`] : []
  return [
    listText(examples, Date.now()).trimEnd(),
    ...more,
    `${countText(preview)}: ${verbs[verb].before}`,
    ...(silent === 0
      ? []
      : [
          `${some(silent, 'recipient')} of the null sender among them: there is nobody to give them back to, and they are held`,
        ]),
    ...(left === 0 ? [] : [`${some(left, 'recipient')} left alone: ${why}`]),
    '',
  ].join('\n')
}

function touchedText(verb: Verb, { touched, running, left, why = '' }: Touched): string {
  return [
    `${some(touched, 'recipient')} ${verbs[verb].done}`,
    ...(running === 0
      ? []
      : [`${some(running, 'recipient')} left alone: an attempt goes on at this moment; say it again in a minute`]),
    ...(left === 0 ? [] : [`${some(left, 'recipient')} left alone: ${why}`]),
    '',
  ].join('\n')
}
