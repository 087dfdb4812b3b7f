/** `causeway migrate accounts` and `causeway migrate domain`: users of the target tenant from a provider's list. */
import { closeSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { stringify } from 'csv-stringify/sync'
import type { z } from 'zod'
import { accountPlanSchema, createdSchema, domainStateSchema, mostAccounts, passwordsSchema } from '../api/api.ts'
import { domainKey } from '../mail/address/address.ts'
import {
  type AccountColumn,
  accountColumns,
  accountsScript,
  type ReadAccounts,
  readAccounts,
} from '../migrate/accounts/accounts.ts'
import { escapeText } from '../trace/trace.ts'
import { connect } from './client.ts'
import { isConfirmed } from './confirm.ts'
import { type CliParts, type Io, jsonText, type Run, readInput, Stop, shared, table } from './io.ts'
import { openNew, writeNew } from './new-file.ts'
import { type AccessOptions, accessOf, withAccess } from './tenant-access.ts'

type ListOptions = { column?: string[]; profile?: string; saveProfile?: string; domain?: string }
type TargetOptions = ListOptions & AccessOptions & { usageLocation?: string; licence?: string; yes?: boolean }
type Plan = z.infer<typeof accountPlanSchema>

export function accountsCommand(migrate: Command, { io }: CliParts, run: Run): void {
  const accounts = migrate
    .command('accounts')
    .description('accounts of the target tenant, from a provider’s mailbox list')
  const preview = withList(accounts.command('preview'), 'show what is understood of the list (local)')
  preview.action((file: string, o: ListOptions) => run(async () => show(listOf(file, o), io, shared(preview).json))())

  const plan = withTarget(accounts.command('plan'), 'show what would be made in the tenant; nothing is changed')
  plan.action((file: string, o: TargetOptions) =>
    run(async () => {
      const found = await planOf(plan, file, o)
      io.out(shared(plan).json ? jsonText(found.plan) : planText(found.plan))
      return found.plan.obstacles.length === 0 && found.list.bad.length === 0 ? 0 : 1
    })(),
  )

  const create = withTarget(accounts.command('create'), 'make them: users, usage location, licence, temporary password')
  create.option('--yes', 'do not ask')
  create.action((file: string, o: TargetOptions) => run(() => createAll(create, file, o, io))())

  const passwords = accounts
    .command('passwords')
    .description('write the temporary passwords to a file; they are handed out once')
    .requiredOption('--out <file>', 'CSV file to write; it must not be there yet')
  passwords.action((o: { out: string }) => run(() => handOut(passwords, o.out, io))())

  const script = withList(accounts.command('script'), 'the same as a PowerShell script (local)')
    .requiredOption('--usage-location <country>', 'two letters, such as DE')
    .option('--licence <sku>', 'skuPartNumber, such as O365_BUSINESS_ESSENTIALS')
    .requiredOption('--out <file>', 'script to write')
  script.action((file: string, o: TargetOptions & { out: string }) =>
    run(async () => {
      const list = listOf(file, o)
      complain(list, file, io)
      writeNew(o.out, accountsScript(list.accounts, settingsOf(o)))
      io.out(`wrote ${o.out}: ${list.accounts.length} accounts\n`)
      return list.bad.length === 0 ? 0 : 1
    })(),
  )
  domainCommand(migrate, io, run)
}

function domainCommand(migrate: Command, io: Io, run: Run): void {
  const domain = withAccess(
    migrate
      .command('domain')
      .description(
        'make a domain the tenant’s: add it, show its TXT record, look for that in the DNS, verify; ask again until it is',
      )
      .argument('<domain>'),
  )
  domain.action((name: string, o: AccessOptions) =>
    run(async () => {
      if (domainKey(name) === '') throw new Stop(2, `${JSON.stringify(name)} is no domain`)
      const { at, json } = shared(domain)
      const body = { access: accessOf(o), domain: name }
      const state = await connect(at).send('POST', '/v1/accounts/domain', body, domainStateSchema)
      io.out(json ? jsonText(state) : domainText(state))
      return state.isVerified ? 0 : 1
    })(),
  )
}

function domainText({ record, seen, said }: z.infer<typeof domainStateSchema>): string {
  const rows =
    record === undefined
      ? ''
      : table([
          ['name', 'type', 'value', 'TTL'],
          [record.name, record.type, record.value, `${record.ttl}`],
        ])
  const there =
    record === undefined
      ? ''
      : `in the DNS now: ${seen.length === 0 ? 'no TXT record' : escapeText(seen.join(' | '))}\n`
  return `${said.map((one) => `${escapeText(one)}\n`).join('')}${rows}${there}`
}

function withList(command: Command, description: string): Command {
  return command
    .description(description)
    .argument('<file>', 'CSV file of the provider')
    .option(
      '--column <header=field>',
      `what a column is: ${accountColumns.join(', ')}; \`header=\` leaves it out`,
      collect,
    )
    .option('--profile <file>', 'columns as they were saved')
    .option('--save-profile <file>', 'save what the columns are, for other lists of the same provider')
    .option('--domain <domain>', 'for lists that have only what stands before the @')
}

function withTarget(command: Command, description: string): Command {
  return withAccess(withList(command, description))
    .option('--usage-location <country>', 'two letters, such as DE; no licence can be given without')
    .option('--licence <sku>', 'skuPartNumber, such as O365_BUSINESS_ESSENTIALS; absent: no licence')
}

const collect = (value: string, all: readonly string[] = []): string[] => [...all, value]

function settingsOf(o: TargetOptions): { usageLocation: string; licence?: string } {
  const usageLocation = o.usageLocation?.toUpperCase() ?? ''
  if (!/^[A-Z]{2}$/.test(usageLocation)) throw new Stop(2, '--usage-location takes two letters, such as DE')
  return { usageLocation, ...(o.licence === undefined ? {} : { licence: o.licence }) }
}

function listOf(file: string, o: ListOptions): ReadAccounts {
  const columns = { ...(o.profile === undefined ? {} : profileIn(o.profile)), ...columnsOf(o.column ?? []) }
  const list = readAccounts(readInput(file), { columns, ...(o.domain === undefined ? {} : { domain: o.domain }) })
  if (o.saveProfile !== undefined) {
    const fields = Object.fromEntries(list.columns.map(({ header, field }) => [header, field ?? '']))
    writeNew(o.saveProfile, `${JSON.stringify(fields, undefined, 2)}\n`)
  }
  return list
}

const isColumn = (text: unknown): text is AccountColumn | '' =>
  text === '' || accountColumns.some((one) => one === text)

function columnsOf(given: readonly string[]): Readonly<Record<string, AccountColumn | ''>> {
  const pairs = given.map((text) => {
    const equals = text.lastIndexOf('=')
    const [header, field] = [text.slice(0, equals), text.slice(equals + 1)]
    if (equals < 1 || !isColumn(field))
      throw new Stop(
        2,
        `--column takes HEADER=FIELD, not ${JSON.stringify(text)}; fields: ${accountColumns.join(', ')}`,
      )
    return [header, field] as const
  })
  return Object.fromEntries(pairs)
}

function profileIn(file: string): Readonly<Record<string, AccountColumn | ''>> {
  const wrong = new Stop(2, `${file} is no profile: --save-profile writes one`)
  const parsed = jsonIn(file)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw wrong
  return Object.fromEntries(
    Object.entries(parsed).map(([header, field]: [string, unknown]) => {
      if (!isColumn(field)) throw wrong
      return [header, field] as const
    }),
  )
}

function jsonIn(file: string): unknown {
  try {
    return JSON.parse(readInput(file).toString('utf8'))
  } catch (error) {
    if (error instanceof Stop) throw error
    return undefined
  }
}

function show(list: ReadAccounts, io: Io, isJson: boolean): number {
  if (isJson) io.out(jsonText(list))
  else {
    const cell = (text: string): string => escapeText(text.length > 40 ? `${text.slice(0, 39)}…` : text)
    const columns = list.columns.map(({ header, field, sample }) => [cell(header), field ?? '(left out)', cell(sample)])
    const people = list.accounts
      .slice(0, 20)
      .map((a) => [a.userPrincipalName, cell(a.displayName), cell(a.aliases.join(' '))])
    io.out(`${table([['column', 'taken for', 'for example'], ...columns])}\n`)
    io.out(table([['account', 'name', 'aliases'], ...people]))
    const more = list.accounts.length - people.length
    io.out(more > 0 ? `… and ${more} more\n` : '')
    io.out(list.bad.map(({ line, why, remedy }) => `line ${line}: ${escapeText(why)}; ${remedy}\n`).join(''))
    io.out(`${list.accounts.length} accounts, ${list.bad.length} rows that cannot be one\n`)
  }
  return list.bad.length === 0 ? 0 : 1
}

function complain({ bad }: ReadAccounts, file: string, io: Io): void {
  for (const { line, why, remedy } of bad) io.err(`${file}:${line}: ${escapeText(why)}; ${remedy}\n`)
}

async function planOf(
  command: Command,
  file: string,
  o: TargetOptions,
): Promise<{ list: ReadAccounts; plan: Plan; body: object }> {
  const list = listOf(file, o)
  if (list.accounts.length === 0) throw new Stop(1, `no account in ${file}: ${list.bad[0]?.why ?? 'it has no rows'}`)
  const body = { access: accessOf(o), accounts: list.accounts, settings: settingsOf(o) }
  const plan = await connect(shared(command).at).send('POST', '/v1/accounts/plan', body, accountPlanSchema)
  return { list, plan, body }
}

function planText({ steps, licence, obstacles }: Plan): string {
  const rows = steps.map(({ account, action, why }) => [
    account.userPrincipalName,
    escapeText(account.displayName),
    action,
    escapeText(why),
  ])
  const count = (action: string): number => steps.filter((step) => step.action === action).length
  const sums = `${count('create')} to create, ${count('complete')} to complete, ${count('none')} are there, ${count('conflict')} conflicts`
  const licences =
    licence === undefined ? '' : `; licences ${licence.name}: ${licence.needed} needed, ${licence.free} free`
  return `${table([['account', 'name', 'action', 'why'], ...rows])}${sums}${licences}\n${obstacles.map(({ why, remedy }) => `not possible yet: ${escapeText(why)}; ${escapeText(remedy)}\n`).join('')}`
}

async function createAll(command: Command, file: string, o: TargetOptions, io: Io): Promise<number> {
  const { at, json } = shared(command)
  const { list, plan } = await planOf(command, file, o)
  complain(list, file, io)
  if (!json) io.out(planText(plan))
  const [obstacle] = plan.obstacles
  if (obstacle !== undefined) throw new Stop(1, `${obstacle.why}; ${obstacle.remedy}`)
  const due = new Set(
    plan.steps.filter((s) => s.action === 'create' || s.action === 'complete').map((s) => s.account.userPrincipalName),
  )
  const accounts = list.accounts.filter((account) => due.has(account.userPrincipalName))
  if (accounts.length > 0 && !(await isConfirmed(io, `make or complete ${accounts.length} accounts`, o.yes === true)))
    return 1
  const done: z.infer<typeof createdSchema>['accounts'][number][] = []
  let passwords = 0
  for (let at20 = 0; at20 < accounts.length; at20 += mostAccounts.created) {
    const body = {
      access: accessOf(o),
      accounts: accounts.slice(at20, at20 + mostAccounts.created),
      settings: settingsOf(o),
    }
    const answer = await connect(at).send('POST', '/v1/accounts', body, createdSchema)
    done.push(...answer.accounts)
    passwords = answer.passwords
    if (!json)
      for (const one of answer.accounts)
        io.out(`${one.userPrincipalName}: ${one.outcome}${one.why === '' ? '' : `: ${escapeText(one.why)}`}\n`)
  }
  if (json) io.out(jsonText({ accounts: done, passwords }))
  else if (passwords > 0)
    io.out(`${passwords} temporary passwords wait: causeway migrate accounts passwords --out FILE\n`)
  return done.every((one) => one.outcome !== 'failed') && list.bad.length === 0 ? 0 : 1
}

/** The file first: what was handed out and could not be written would be lost. */
async function handOut(command: Command, file: string, io: Io): Promise<number> {
  const api = connect(shared(command).at)
  const to = openNew(file)
  try {
    const { passwords } = await api.send('POST', '/v1/accounts/passwords', {}, passwordsSchema)
    const rows = passwords.map(({ userPrincipalName, password }) => [userPrincipalName, password])
    writeFileSync(to, `\ufeff${stringify([['UserPrincipalName', 'Password'], ...rows], { record_delimiter: '\r\n' })}`)
    io.out(`wrote ${file}: ${passwords.length} passwords; they are nowhere else now\n`)
    return passwords.length > 0 ? 0 : 1
  } finally {
    closeSync(to)
  }
}
