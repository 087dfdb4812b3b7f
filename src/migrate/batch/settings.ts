/** What an operator says about a batch: the two servers, what is copied, how often, who is told. */
import { z } from 'zod'
import { appFields, vaultSecret } from '../../tenants/entra/entra.ts'

export const adminForms = ['auto', 'sasl', 'dovecot', 'exchange', 'mirapoint', 'courier'] as const

const passwordLogin = z.strictObject({
  kind: z.literal('password').describe('Each mailbox with its own password, from the CSV file'),
})
const adminLogin = z.strictObject({
  kind: z.literal('admin').describe('One account that may open all mailboxes'),
  form: z
    .enum(adminForms)
    .default('auto')
    .describe(
      'How it says whose mailbox: sasl (authorization identity), dovecot (User*Admin), exchange (Domain/Admin/User), mirapoint (#user@domain#Admin#), courier (shared folders below a root), auto (found out)',
    ),
  user: z.string().min(1).max(320),
  password: vaultSecret.describe('vault:HOST/NAME, with the host of this server'),
  separator: z.string().length(1).default('*').describe('Of the form dovecot (auth_master_user_separator)'),
  domain: z.string().max(253).optional().describe('Of the form exchange'),
  root: z
    .string()
    .max(500)
    .optional()
    .describe('Of the form courier, where a row has no UserRoot: /users/{user}; {user} is the UserName of the row'),
})
const oauthLogin = z.strictObject({
  kind: z.literal('oauth').describe('An app of Entra with IMAP.AccessAsApp; the token is fetched and renewed here'),
  ...appFields,
  scope: z.string().max(500).default('https://outlook.office365.com/.default'),
  mechanism: z.enum(['XOAUTH2', 'OAUTHBEARER']).default('XOAUTH2'),
})

export const loginSchema = z.discriminatedUnion('kind', [passwordLogin, adminLogin, oauthLogin])

export const serverSchema = z.strictObject({
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9_.:-]+$/, 'a host name or an address'),
  port: z.int().min(1).max(65_535).optional().describe('993, or 143 for starttls and none'),
  security: z
    .enum(['tls', 'starttls', 'none'])
    .default('tls')
    .describe('none sends passwords in the clear, and must be asked for'),
  ca: z.string().max(200_000).optional().describe('PEM, believed beside the public authorities'),
  serverName: z.string().max(253).optional().describe('The name in its certificate, if not the host'),
  allowUntrusted: z.boolean().default(false).describe('Any certificate will do'),
  login: loginSchema.prefault({ kind: 'password' }),
  maxConcurrent: z
    .int()
    .min(1)
    .max(300)
    .default(20)
    .describe('Mailboxes at once, at most; how many it really bears is found out'),
})

const moment = z.iso.datetime({ offset: true })

export const copySchema = z.strictObject({
  newestFirst: z.boolean().default(true),
  since: moment.optional().describe('Only messages from then on, by internal date'),
  before: moment.optional(),
  maxBytes: z.int().min(1).optional().describe('Larger messages are skipped and listed'),
  excludeFolders: z.array(z.string().max(1000)).max(200).default([]).describe('Name, Name/*, #Inbox#, #Inbox#/*'),
  folderMap: z
    .record(z.string().max(1000), z.string().max(1000))
    .default({})
    .describe('Source folder to target folder'),
  targetRoot: z.string().max(1000).optional(),
  followFlags: z.boolean().default(true),
  followDeletions: z.boolean().default(false),
  removeAtMost: z
    .int()
    .min(0)
    .optional()
    .describe('Messages that one pass may remove at the target; a tenth, at least 100, when absent'),
  connections: z.int().min(1).max(10).default(1).describe('Of each mailbox, on each side'),
})

export const settingsSchema = z.strictObject({
  source: serverSchema,
  target: serverSchema,
  copy: copySchema.prefault({}),
  intervalMinutes: z
    .int()
    .min(0)
    .max(43_200)
    .default(1440)
    .describe('Between passes; 0: near real time, where the source has IDLE'),
  concurrency: z.int().min(1).max(300).default(10).describe('Mailboxes of this batch at once, at most'),
  compare: z
    .boolean()
    .default(false)
    .describe('After the final pass both sides are read whole and compared, message by message'),
  notify: z.array(z.email()).max(50).default([]).describe('Who gets the reports'),
  reportHours: z.int().min(0).max(720).default(24).describe('Between reports; 0: none but at the end of a phase'),
  startAfter: moment.optional(),
  completeAfter: moment.optional(),
})

export type Settings = z.infer<typeof settingsSchema>
export type Server = z.infer<typeof serverSchema>
export type ServerLogin = z.infer<typeof loginSchema>
export type Side = 'source' | 'target'

export const portOf = ({ port, security }: Server): number => port ?? (security === 'tls' ? 993 : 143)

/** One name for a server, also as what is learned about it is kept under. */
export const serverName = (server: Server): string => `${server.host.toLowerCase()}:${portOf(server)}`

/** What cannot be told from one field alone. */
export function settingsProblem(s: Settings): string | undefined {
  for (const side of ['source', 'target'] as const) {
    const { login } = s[side]
    if (login.kind === 'admin' && login.form === 'exchange' && login.domain === undefined)
      return `the ${side} is opened as Domain/Admin/User, and no domain is given`
    const named = login.kind === 'admin' ? ownSecretProblem(s[side].host, login.password) : undefined
    if (named !== undefined) return named
    if (login.kind === 'oauth' && (login.secret === undefined) === (login.certificate === undefined))
      return `the ${side} is opened by an app: give its secret or its certificate, one of the two`
    if (login.kind === 'oauth' && s[side].security === 'none' && !isLoopback(s[side].host))
      return `the ${side} would be sent a token in the clear: use tls or starttls`
  }
  return undefined
}

/**
 * Whoever may use the API may not read secrets. A free choice of server and secret would be a way to have any of them sent to a
 * server of one's own: so it is named after the one server that may hear it.
 */
function ownSecretProblem(host: string, place: string): string | undefined {
  const before = `${host.toLowerCase()}/`
  if (place.toLowerCase().startsWith(`vault:${before}`)) return undefined
  return `a password for ${host} is named after it, so that no other server hears it: causeway secret set ${before}NAME, and vault:${before}NAME`
}

const isLoopback = (host: string): boolean => /^(?:127(?:\.\d{1,3}){3}|\[?::1\]?|localhost)$/i.test(host)
