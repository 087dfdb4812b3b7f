/** `causeway migrate`: mailboxes are moved in batches, over IMAP. */
import type { Command } from 'commander'
import { batchesSchema, batchSchema, orderedSchema, userDetailSchema, usersSchema } from '../api/api.ts'
import { escapeText } from '../trace/trace.ts'
import { accountsCommand } from './accounts.ts'
import { type ApiClient, connect } from './client.ts'
import { isConfirmed } from './confirm.ts'
import { contactsCommand } from './contacts.ts'
import { cell } from './figures.ts'
import { type CliParts, type Io, type Run, readInput, Stop, shared } from './io.ts'
import { addCheck, addStart, pathOf } from './migrate-check.ts'
import { type BatchOptions, settingsOf, withSettings } from './migrate-options.ts'
import { addReport } from './migrate-report.ts'
import { batchesText, batchText, detailText, type User, usersText, warningsText } from './migrate-text.ts'
import { addWatch } from './migrate-watch.ts'

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`

export function migrateCommand(program: Command, parts: CliParts, run: Run): void {
  const group = program.command('migrate').description('move mailboxes in batches, over IMAP (docs/moving.md)')
  addCheck(group, parts, run)
  addStart(group, parts, run)
  addOrders(group, parts, run)
  addRetry(group, parts, run)
  addSet(group, parts, run)
  addWatch(group, parts, run)
  addLists(group, parts, run)
  addReport(group, parts, run)
  accountsCommand(group, parts, run)
  contactsCommand(group, parts, run)
}

type Order = {
  readonly what: string
  readonly option?: readonly [flags: string, what: string, name: 'for' | 'follow']
  /** What is asked before it is done. */
  readonly question?: (name: string) => string
}

const orders: Readonly<Record<'pause' | 'resume' | 'stop' | 'complete', Order>> = {
  pause: {
    what: 'break off; resume goes on where it was',
    option: ['--for <span>', 'go on by itself after 30m, 2h, 1d', 'for'],
  },
  resume: { what: 'go on where it was' },
  stop: {
    what: 'nobody is followed any more; what was copied stays',
    question: (name) => `stop ${name}: no pass comes any more`,
  },
  complete: {
    what: 'a final pass for each mailbox, then it is completed and the passwords are forgotten',
    option: ['--follow <span>', 'so long after it, for what still comes to the old side: 3d', 'follow'],
    question: (name) => `complete ${name}: a final pass, then the passwords are forgotten`,
  },
}

type OrderOptions = { readonly for?: string; readonly follow?: string; readonly yes?: boolean }

function addOrders(group: Command, { io }: CliParts, run: Run): void {
  for (const verb of ['pause', 'resume', 'stop', 'complete'] as const) {
    const { what, option, question } = orders[verb]
    const command = group.command(verb).description(what).argument('<name>')
    if (option !== undefined) command.option(option[0], option[1])
    if (question !== undefined) command.option('--yes', 'do not ask')
    command.action((name: string, options: OrderOptions) =>
      run(async () => {
        const { at, json: asJson } = shared(command)
        if (question !== undefined && !(await isConfirmed(io, question(cell(name, 64)), options.yes === true))) return 1
        const value = option === undefined ? undefined : options[option[2]]
        const body = option === undefined || value === undefined ? {} : { [option[2]]: value }
        const answer = await connect(at).send('POST', `${pathOf(name)}/${verb}`, body, orderedSchema)
        io.out(asJson ? json(answer) : `${cell(name, 64)}: ${escapeText(answer.text)}\n`)
        return 0
      })(),
    )
  }

  const remove = group
    .command('remove')
    .description('forget a batch, its passwords and what was learned; what was copied stays at the target')
    .argument('<name>')
    .option('--yes', 'do not ask')
  remove.action((name: string, options: OrderOptions) =>
    run(async () => {
      const { at, json: asJson } = shared(remove)
      if (!(await isConfirmed(io, `forget the batch ${cell(name, 64)}`, options.yes === true))) return 1
      const answer = await connect(at).send('DELETE', pathOf(name), undefined, orderedSchema)
      io.out(asJson ? json(answer) : `${cell(name, 64)}: ${escapeText(answer.text)}\n`)
      return 0
    })(),
  )
}

type RetryOptions = { readonly csv?: string; readonly skipped?: boolean }

function addRetry(group: Command, { io }: CliParts, run: Run): void {
  const retry = group
    .command('retry')
    .description('begin those anew that failed; with --csv they log in as the file says now, and new rows are added')
    .argument('<name>')
    .argument('[addresses...]', 'default: all that failed')
    .option('--csv <file>', 'the corrected file')
    .option('--skipped', 'what was left out is tried again, too')
  retry.action((name: string, emails: readonly string[], options: RetryOptions) =>
    run(async () => {
      const { at, json: asJson } = shared(retry)
      const { csv, skipped = false } = options
      const answer = await connect(at).send(
        'POST',
        `${pathOf(name)}/retry`,
        {
          skipped,
          ...(emails.length === 0 ? {} : { emails }),
          ...(csv === undefined ? {} : { csv: readInput(csv).toString('base64'), csvName: csv }),
        },
        orderedSchema,
      )
      io.out(
        asJson ? json(answer) : `${warningsText(answer, csv ?? '')}${cell(name, 64)}: ${escapeText(answer.text)}\n`,
      )
      return 0
    })(),
  )
}

function addSet(group: Command, { io }: CliParts, run: Run): void {
  const set = withSettings(
    group.command('set').description('other settings from now on; the rest stays').argument('<name>'),
  )
  set.action((name: string, options: BatchOptions) =>
    run(async () => {
      const { at, json: asJson } = shared(set)
      const client = connect(at)
      const { settings } = await client.get(pathOf(name), batchSchema)
      const next = settingsOf(options, settings)
      if (JSON.stringify(next) === JSON.stringify(settings)) throw new Stop(2, 'nothing is said that would change it')
      const answer = await client.send('PUT', `${pathOf(name)}/settings`, next, orderedSchema)
      io.out(asJson ? json(answer) : `${cell(name, 64)}: ${escapeText(answer.text)}\n`)
      return 0
    })(),
  )
}

type ListOptions = {
  readonly status?: string
  readonly failed?: boolean
  readonly like?: string
  readonly limit: string
}

function addLists(group: Command, { io }: CliParts, run: Run): void {
  const list = group
    .command('list')
    .description('all batches; with a name, the mailboxes of that batch')
    .argument('[name]')
    .option('--status <status>', 'in Exchange’s words: Synced, Failed, Queued ...')
    .option('--failed', 'those that failed')
    .option('--like <text>', 'part of the address')
    .option('--limit <n>', 'mailboxes', '1000')
  list.action((name: string | undefined, options: ListOptions) =>
    run(async () => {
      const { at, json: asJson } = shared(list)
      if (name !== undefined) return listUsers(connect(at), name, options, asJson, io)
      const answer = await connect(at).get('/v1/migrations', batchesSchema)
      io.out(asJson ? json(answer) : answer.batches.length === 0 ? '' : batchesText(answer.batches))
      if (answer.batches.length === 0) io.err('there is no batch: causeway migrate check NAME --csv FILE ...\n')
      return 0
    })(),
  )

  const show = group
    .command('show')
    .description('one batch, or one mailbox of it')
    .argument('<name>')
    .argument('[address]')
  show.action((name: string, email: string | undefined) =>
    run(async () => {
      const { at, json: asJson } = shared(show)
      const client = connect(at)
      if (email === undefined) {
        const batch = await client.get(pathOf(name), batchSchema)
        io.out(asJson ? json(batch) : batchText(batch, Date.now()))
        return 0
      }
      const detail = await client.get(`${pathOf(name)}/users/${encodeURIComponent(email)}`, userDetailSchema)
      io.out(asJson ? json(detail) : detailText(detail, Date.now()))
      return 0
    })(),
  )
}

async function listUsers(
  client: ApiClient,
  name: string,
  { status, failed, like, limit }: ListOptions,
  asJson: boolean,
  io: Io,
): Promise<number> {
  if (!/^[1-9]\d{0,4}$/.test(limit)) throw new Stop(2, '--limit takes a number from 1 on')
  const most = Number(limit)
  const users: User[] = []
  let after = 0
  while (users.length < most) {
    const query = new URLSearchParams({
      limit: String(Math.min(most - users.length, 1000)),
      after: String(after),
      ...(status === undefined ? {} : { status }),
      ...(failed === true ? { summary: 'Failed' } : {}),
      ...(like === undefined ? {} : { like }),
    })
    const page = await client.get(`${pathOf(name)}/users?${query.toString()}`, usersSchema)
    users.push(...page.users)
    if (page.next === undefined) break
    after = page.next
  }
  io.out(asJson ? json({ users }) : usersText(users))
  return 0
}
