/** `causeway migrate check` and `start`: a batch is made of a CSV file, its log-ins tried, a few mailboxes proposed, then it begins. */
import type { Command } from 'commander'
import { batchSchema, orderedSchema, proposedSchema, usersSchema } from '../api/api.ts'
import { some } from '../migrate/migrate.ts'
import { escapeText } from '../trace/trace.ts'
import { type ApiClient, connect } from './client.ts'
import { isConfirmed } from './confirm.ts'
import { bytes, cell, number } from './figures.ts'
import { type CliParts, type Io, type Run, readInput, Stop, shared } from './io.ts'
import { type BatchOptions, settingsOf, withBatch } from './migrate-options.ts'
import { type Batch, troubleText, type User, warningsText } from './migrate-text.ts'
import { sleep, untilStopped } from './migrate-watch.ts'

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
export const pathOf = (name: string): string => `/v1/migrations/${encodeURIComponent(name)}`

export function addCheck(group: Command, { io }: CliParts, run: Run): void {
  const command = withBatch(
    group
      .command('check')
      .description(
        'is the file right, and does each log-in work? Makes the batch with --csv; nothing is copied (exit 1: not all do)',
      )
      .argument('<name>', 'of the batch: letters, digits, dots, hyphens'),
  )
    .option('--file-only', 'look at the file, and make nothing')
    .option('--first <n>', 'try the log-ins of so many mailboxes only')
    .option('--no-wait', 'do not wait for the log-ins')
  command.action((name: string, options: BatchOptions) =>
    run(async () => {
      const { at, json: asJson } = shared(command)
      const client = connect(at)
      if (options['fileOnly'] === true) return checkFile(client, io, name, options, asJson)
      if (options['csv'] !== undefined) await make(client, io, name, options, asJson)
      const first = firstOf(options)
      await client.send('POST', `${pathOf(name)}/check`, first === undefined ? {} : { first }, orderedSchema)
      if (options['wait'] === false) return 0
      await waitForCheck(client, io, name, asJson)
      return tellCheck(client, io, name, asJson)
    })(),
  )
}

function firstOf({ first }: BatchOptions): number | undefined {
  if (first === undefined) return undefined
  if (typeof first === 'string' && /^[1-9]\d{0,5}$/.test(first)) return Number(first)
  throw new Stop(2, '--first takes a number from 1 on')
}

function bodyOf(name: string, options: BatchOptions) {
  const { csv } = options
  if (typeof csv !== 'string') throw new Stop(2, '--csv is missing: which file?')
  return { name, csv: readInput(csv).toString('base64'), csvName: csv, settings: settingsOf(options) }
}

async function checkFile(
  client: ApiClient,
  io: Io,
  name: string,
  options: BatchOptions,
  asJson: boolean,
): Promise<number> {
  const body = bodyOf(name, options)
  const answer = await client.send('POST', '/v1/migrations/validate', body, orderedSchema)
  io.out(asJson ? json(answer) : `${warningsText(answer, body.csvName)}${answer.text}; the file is right\n`)
  return 0
}

async function make(client: ApiClient, io: Io, name: string, options: BatchOptions, asJson: boolean): Promise<void> {
  const body = bodyOf(name, options)
  const { source, target } = body.settings
  for (const [side, server] of [
    ['source', source],
    ['target', target],
  ] as const)
    if (server.security === 'none')
      io.err(`warning: passwords go to the ${side} ${escapeText(server.host)} in the clear\n`)
  const answer = await client.send('POST', '/v1/migrations', body, orderedSchema)
  if (!asJson) io.out(`${warningsText(answer, body.csvName)}${cell(name, 64)}: ${answer.text}\n`)
}

const lookMs = 500

async function waitForCheck(client: ApiClient, io: Io, name: string, asJson: boolean): Promise<void> {
  let last = -1
  const end = untilStopped(io)
  for (;;) {
    const batch = await client.get(pathOf(name), batchSchema)
    if (batch.toCheck === 0) return
    if (!asJson && batch.toCheck !== last) io.err(`${some(batch.toCheck, 'mailbox')} to look at\n`)
    last = batch.toCheck
    await Promise.race([sleep(lookMs), end.stopped])
    if (end.isStopped) throw new Stop(1, `the check goes on; see causeway migrate show ${name}`)
  }
}

async function everyUser(client: ApiClient, name: string, query: string): Promise<readonly User[]> {
  const all: User[] = []
  for (let after = 0; ; ) {
    const page = await client.get(`${pathOf(name)}/users?limit=1000&after=${after}${query}`, usersSchema)
    all.push(...page.users)
    if (page.next === undefined) return all
    after = page.next
  }
}

async function tellCheck(client: ApiClient, io: Io, name: string, asJson: boolean): Promise<number> {
  const users = await everyUser(client, name, '')
  const failed = users.filter(({ status }) => status === 'Failed' || status === 'IncrementalFailed')
  const { emails } = await client.get(`${pathOf(name)}/proposed`, proposedSchema)
  if (asJson) io.out(json({ users, failed: failed.length, proposed: emails }))
  else io.out(checkText(name, users, failed, emails))
  return failed.length === 0 ? 0 : 1
}

function checkText(name: string, users: readonly User[], failed: readonly User[], proposed: readonly string[]): string {
  const surveyed = users.flatMap(({ survey }) => survey ?? [])
  const messages = surveyed.reduce((sum, { messages: n }) => sum + n, 0)
  const size = surveyed.reduce((sum, { bytes: n }) => sum + n, 0)
  const notes = users.flatMap(({ email, survey }) =>
    (survey?.notes ?? []).map((note) => `${cell(email)}: ${escapeText(note)}\n`),
  )
  const mostNotes = 50
  return [
    ...failed.map(troubleText),
    ...notes.slice(0, mostNotes),
    notes.length > mostNotes
      ? `and ${number(notes.length - mostNotes)} more notes: causeway migrate show ${name} ADDRESS\n`
      : '',
    `${number(surveyed.length)} of ${some(users.length, 'mailbox')} can be copied: ${some(messages, 'message')}, ${bytes(size)}\n`,
    failed.length > 0 ? `${some(failed.length, 'mailbox')} cannot yet; see above what to try\n` : '',
    surveyed.length > 0 ? proposalText(name, proposed) : '',
  ].join('')
}

function proposalText(name: string, proposed: readonly string[]): string {
  const who = proposed.map((email) => cell(email)).join(', ')
  return `try a few first: causeway migrate start ${name} --test ${proposed.length}    (${who})\nthen all:        causeway migrate start ${name}\n`
}

/** From so many on, all at once without a try is worth a question. */
const fewEnough = 10
const firstFew = '3'

export function addStart(group: Command, { io }: CliParts, run: Run): void {
  const command = withBatch(
    group.command('start').description('begin; makes the batch with --csv, when there is none yet').argument('<name>'),
  )
    .option('--test [n]', 'a few mailboxes of different sizes first (3), the others later')
    .option('--yes', 'do not ask before all of many mailboxes begin that were never tried')
  command.action((name: string, options: BatchOptions) =>
    run(async () => {
      const { at, json: asJson } = shared(command)
      const client = connect(at)
      if (options['csv'] !== undefined) await make(client, io, name, options, asJson)
      const test = testOf(options)
      const batch = await client.get(pathOf(name), batchSchema)
      if (test === undefined && !(await mayBegin(client, io, batch, options['yes'] === true))) return 1
      const answer = await client.send(
        'POST',
        `${pathOf(name)}/start`,
        test === undefined ? {} : { test },
        orderedSchema,
      )
      io.out(
        asJson
          ? json(answer)
          : `${cell(name, 64)}: ${escapeText(answer.text)}\nsee how it goes on: causeway migrate watch ${name}\n`,
      )
      return 0
    })(),
  )
}

function testOf({ test }: BatchOptions): number | undefined {
  if (test === undefined) return undefined
  const count = test === true ? firstFew : test
  if (typeof count === 'string' && /^[1-9]\d{0,2}$/.test(count)) return Number(count)
  throw new Stop(2, '--test takes a number from 1 to 999')
}

async function mayBegin(client: ApiClient, io: Io, batch: Batch, isSaid: boolean): Promise<boolean> {
  const wasTried = batch.started !== undefined || batch.allBytes > 0
  if (wasTried || batch.mailboxes <= fewEnough) return true
  if (!isSaid) {
    const { emails } = await client.get(`${pathOf(batch.name)}/proposed`, proposedSchema)
    io.err(`none of them was tried yet; ${proposalText(batch.name, emails)}`)
  }
  return isConfirmed(io, `begin with all ${number(batch.mailboxes)} at once`, isSaid)
}
