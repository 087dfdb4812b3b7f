/** What is said of a batch on the command line, as its settings. Secrets are named (`vault:NAME`), never written. */
import { type Command, Option } from 'commander'
import { parse } from 'yaml'
import { type z } from 'zod'
import { settingsSchema } from '../migrate/migrate.ts'
import { readInput, Stop } from './io.ts'

type SideOptions = {
  readonly host?: string
  readonly security?: string
  readonly ca?: string
  readonly serverName?: string
  readonly untrusted?: boolean
  readonly admin?: string
  readonly adminPassword?: string
  readonly adminForm?: string
  readonly adminDomain?: string
  readonly adminRoot?: string
  readonly oauthTenant?: string
  readonly oauthClient?: string
  readonly oauthSecret?: string
  readonly oauthCertificate?: string
  readonly oauthAuthority?: string
  readonly maxConcurrent?: string
}

export type BatchOptions = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

const sideOptions: readonly (readonly [name: keyof SideOptions, flag: string, what: string])[] = [
  ['security', 'security <how>', 'tls, starttls, or none (in the clear); default: tls'],
  ['ca', 'ca <file>', 'PEM, believed beside the public authorities'],
  ['serverName', 'server-name <name>', 'name in its certificate, if not the host'],
  ['untrusted', 'untrusted', 'believe any certificate'],
  ['admin', 'admin <user>', 'one account opens all mailboxes'],
  ['adminPassword', 'admin-password <vault:name>', 'where its password lies: causeway secret set HOST/NAME'],
  ['adminForm', 'admin-form <form>', 'auto, sasl, dovecot, exchange, mirapoint or courier; default: found out'],
  ['adminDomain', 'admin-domain <domain>', 'of the form exchange: Domain/Admin/User'],
  ['adminRoot', 'admin-root <path>', 'of the form courier: /users/{user}'],
  ['oauthTenant', 'oauth-tenant <id>', 'an app of Entra opens all mailboxes (Exchange Online)'],
  ['oauthClient', 'oauth-client <id>', 'its application (client) ID'],
  ['oauthSecret', 'oauth-secret <vault:name>', 'where its secret lies'],
  ['oauthCertificate', 'oauth-certificate <vault:name>', 'or its private key and certificate, PEM'],
  ['oauthAuthority', 'oauth-authority <url>', 'where tokens are given out, if not at login.microsoftonline.com'],
  ['maxConcurrent', 'max-concurrent <n>', 'mailboxes at once at this server, at most; default: 20'],
]

const collect = (value: string, all: readonly string[] = []): string[] => [...all, value]

/** The options by which a batch is made. */
export function withBatch(command: Command): Command {
  return withSettings(
    command.option(
      '--csv <file>',
      'EmailAddress,UserName,Password[,UserRoot][,TargetUserName,TargetPassword,TargetRoot]',
    ),
  )
}

export function withSettings(command: Command): Command {
  command.option(
    '--settings <file>',
    'everything below as YAML or JSON, named as in the API; options here count for more',
  )
  for (const side of ['source', 'target'] as const) {
    command.option(`--${side} <host[:port]>`, `the ${side}: an IMAP server; exchange-online for outlook.office365.com`)
    for (const [, flag, what] of sideOptions) command.addOption(new Option(`--${side}-${flag}`, what))
  }
  return command
    .option('--interval <span>', 'between passes: 15m, 24h, or live; default: 24h')
    .option('--concurrency <n>', 'mailboxes of the batch at once, at most; default: 10')
    .option('--connections <n>', 'of each mailbox, on each side; default: 1')
    .option('--exclude <folder>', 'Name, Name/*, #Inbox#, #Inbox#/*; may be given several times', collect)
    .option('--folder-map <from=to>', 'a folder goes elsewhere; may be given several times', collect)
    .option('--target-root <folder>', 'everything goes below this folder')
    .option('--since <date>', 'only messages from then on')
    .option('--before <date>', 'only messages before')
    .option('--max-size <bytes>', 'larger messages are left out, and listed')
    .option('--oldest-first', 'the newest come first otherwise')
    .option('--no-follow-flags', 'flags that change later stay as they were')
    .option('--follow-deletions', 'what goes at the source goes at the target')
    .option('--remove-at-most <n>', 'messages that one pass may remove')
    .option('--compare', 'after the final pass both sides are read whole and compared')
    .option('--notify <address>', 'who gets the reports; may be given several times', collect)
    .option('--report-hours <n>', 'between reports; 0 is never; default: 24')
    .option('--start-after <time>', 'not before then')
    .option('--complete-after <time>', 'final passes then')
}

type Settings = z.input<typeof settingsSchema>
type Loose = Record<string, unknown>

/** `base`: what holds where nothing is said. */
export function settingsOf(options: BatchOptions, base: object = {}): z.infer<typeof settingsSchema> {
  const file: Loose = { ...base, ...fileSettings(text(options, 'settings')) }
  const wanted: Loose = {
    ...file,
    ...topOf(options),
    source: serverOf(options, 'source', file['source']),
    target: serverOf(options, 'target', file['target']),
    copy: { ...object(file['copy']), ...copyOf(options) },
  }
  const parsed = settingsSchema.safeParse(wanted)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Stop(2, `${optionOf(issue?.path ?? [])}: ${issue?.message ?? 'it does not fit'}`)
}

/** The word that an operator would look for. */
function optionOf(path: readonly PropertyKey[]): string {
  const [first, second, third] = path.map(String)
  if (first !== 'source' && first !== 'target') return path.map(String).join('.')
  if (second === undefined || second === 'host') return `--${first}`
  if (second !== 'login') return `--${first}-${kebab(second)}`
  return `log-in of the ${first}${third === undefined ? '' : ` (${third})`}`
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function fileSettings(file: string | undefined): Loose {
  if (file === undefined) return {}
  try {
    return object(parse(readInput(file).toString('utf8')))
  } catch (error) {
    if (error instanceof Stop) throw error
    throw new Stop(2, `${file} is neither YAML nor JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const object = (value: unknown): Loose => (typeof value === 'object' && value !== null ? { ...value } : {})

function text(options: BatchOptions, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

function list(options: BatchOptions, name: string): readonly string[] | undefined {
  const value = options[name]
  return Array.isArray(value) ? value : undefined
}

function count(options: BatchOptions, name: string): number | undefined {
  const value = text(options, name)
  if (value === undefined) return undefined
  if (/^\d{1,12}$/.test(value)) return Number(value)
  throw new Stop(2, `--${kebab(name)} takes a number, not ${JSON.stringify(value)}`)
}

/** Without those that were not said. */
function said(values: Loose): Loose {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

function topOf(options: BatchOptions): Loose {
  return said({
    intervalMinutes: interval(text(options, 'interval')),
    concurrency: count(options, 'concurrency'),
    notify: list(options, 'notify'),
    reportHours: count(options, 'reportHours'),
    compare: options['compare'] === true ? true : undefined,
    startAfter: moment(options, 'startAfter'),
    completeAfter: moment(options, 'completeAfter'),
  })
}

const minutes = { m: 1, h: 60, d: 1440 } as const

function interval(span: string | undefined): number | undefined {
  if (span === undefined) return undefined
  if (span === 'live') return 0
  const [, number, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(span) ?? []
  if (unit === 'm' || unit === 'h' || unit === 'd') return Number(number) * minutes[unit]
  throw new Stop(2, `--interval takes 15m, 24h, 2d or live, not ${JSON.stringify(span)}`)
}

/** A time without a zone is one of this machine. */
function moment(options: BatchOptions, name: string): string | undefined {
  const value = text(options, name)
  if (value === undefined) return undefined
  const at = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(value) ? `${value}T00:00:00` : value)
  if (Number.isNaN(at) || !isTime(value))
    throw new Stop(2, `--${kebab(name)} takes a time like 2026-11-23T08:00, not ${JSON.stringify(value)}`)
  return new Date(at).toISOString()
}

/** Year first, and a day that there is: Date.parse takes 01.02.2026 for the second of January, and 2026-02-31 for a day in March. */
function isTime(value: string): boolean {
  const [, day] =
    /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/.exec(value) ?? []
  const date = new Date(`${day}T00:00:00Z`)
  return day !== undefined && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day)
}

function copyOf(options: BatchOptions): Loose {
  return said({
    newestFirst: options['oldestFirst'] === true ? false : undefined,
    since: moment(options, 'since'),
    before: moment(options, 'before'),
    maxBytes: count(options, 'maxSize'),
    excludeFolders: list(options, 'exclude'),
    folderMap: folderMap(list(options, 'folderMap')),
    targetRoot: text(options, 'targetRoot'),
    followFlags: options['followFlags'] === false ? false : undefined,
    followDeletions: options['followDeletions'] === true ? true : undefined,
    removeAtMost: count(options, 'removeAtMost'),
    connections: count(options, 'connections'),
  })
}

function folderMap(pairs: readonly string[] | undefined): Readonly<Record<string, string>> | undefined {
  if (pairs === undefined) return undefined
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at <= 0) throw new Stop(2, `--folder-map takes FROM=TO, not ${JSON.stringify(pair)}`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

function serverOf(options: BatchOptions, side: 'source' | 'target', file: unknown): Loose {
  const own = (name: keyof SideOptions): string | undefined =>
    text(options, `${side}${name.charAt(0).toUpperCase()}${name.slice(1)}`)
  const given = text(options, side)
  const base = object(file)
  if (given === undefined && base['host'] === undefined) throw new Stop(2, `--${side} is missing: which server?`)
  const caFile = own('ca')
  return {
    ...base,
    ...(given === undefined ? {} : placeOf(given, side)),
    ...said({
      security: own('security'),
      ca: caFile === undefined ? undefined : readInput(caFile).toString('latin1'),
      serverName: own('serverName'),
      allowUntrusted: options[`${side}Untrusted`] === true ? true : undefined,
      maxConcurrent: count(options, `${side}MaxConcurrent`),
      login: loginOf(own, object(base['login'])),
    }),
  }
}

function placeOf(given: string, side: string): Loose {
  if (given === 'exchange-online') return { host: 'outlook.office365.com', port: 993 }
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^:]+))(?::(\d{1,5}))?$/i.exec(given) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw new Stop(2, `--${side} takes HOST or HOST:PORT, not ${JSON.stringify(given)}`)
  return { host, ...(port === undefined ? {} : { port: Number(port) }) }
}

function loginOf(own: (name: keyof SideOptions) => string | undefined, file: Loose): Settings['source']['login'] {
  const admin = said({
    user: own('admin'),
    password: own('adminPassword'),
    form: own('adminForm'),
    domain: own('adminDomain'),
    root: own('adminRoot'),
  })
  const oauth = said({
    tenant: own('oauthTenant'),
    clientId: own('oauthClient'),
    secret: own('oauthSecret'),
    certificate: own('oauthCertificate'),
    authority: own('oauthAuthority'),
  })
  const [isAdmin, isOauth] = [Object.keys(admin).length > 0, Object.keys(oauth).length > 0]
  if (isAdmin && isOauth) throw new Stop(2, 'an admin and an app are given for one server: say one of the two')
  // Another kind of log-in takes the place of the one before.
  const kind = isAdmin ? 'admin' : isOauth ? 'oauth' : file['kind']
  const login = {
    ...(kind === file['kind'] ? file : {}),
    ...(isAdmin ? { kind: 'admin', ...admin } : {}),
    ...(isOauth ? { kind: 'oauth', ...oauth } : {}),
  }
  return Object.keys(login).length === 0 ? undefined : (login as Settings['source']['login'])
}
