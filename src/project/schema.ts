/** The shape of the project file: the one source of its checks, of its JSON Schema and of its manual. */
import { z } from 'zod'

const text = z.string().min(1)
const list = (item: z.ZodType<string, string>) => z.array(item)

const identitySchema = z
  .strictObject({
    cert: text.optional().describe('PEM file with the certificate and the intermediate certificates after it.'),
    key: text.optional().describe('PEM file with the private key of `cert`, without a password.'),
    pfx: text.optional().describe('PKCS #12 file with certificate, chain and key, instead of `cert` and `key`.'),
    passwordFile: text.optional().describe('File with the password of `pfx`. One final line end is not part of it.'),
  })
  .describe('A certificate with its key: either `cert` and `key`, or `pfx` and `passwordFile`.')
  .meta({ id: 'Identity' })

const hopSchema = z
  .strictObject({
    host: text.describe('Host name or IP address.'),
    port: z.int().min(1).max(65535).optional().meta({ default: 25 }).describe('TCP port.'),
    tls: z
      .enum(['required', 'opportunistic', 'none'])
      .optional()
      .meta({ default: 'required' })
      .describe(
        '`required`: encrypted and verified, or not at all. `opportunistic`: encrypted when offered, not verified.',
      ),
    ca: text.optional().describe('PEM file with the authorities to trust. Default: the public roots.'),
    serverName: text.optional().describe('Name to verify in the certificate. Default: `host`.'),
    certificate: identitySchema.optional().describe('What we present: certificate and key.'),
  })
  .describe('A server that mail is handed to.')
  .meta({ id: 'NextHop' })

const secretSchema = z
  .strictObject({
    header: text.describe('Name of the header field that carries the secret. It is removed from whatever leaves.'),
    valueFile: text.describe('File with the value. One final line end is not part of it.'),
    previousValueFile: text
      .optional()
      .describe('File with the value before: it counts too, while the transport rule still sets it.'),
  })
  .describe('A header field that only this tenant knows, set by a transport rule.')
  .meta({ id: 'Secret' })

const fromSchema = z
  .strictObject({
    certificate: list(text).optional().describe('Names, one of which the verified client certificate must have.'),
    ca: text.optional().describe('PEM file with the authorities to trust. Default: the public roots.'),
    addresses: list(text).optional().describe('Source addresses: single ones, or networks such as 192.0.2.0/24.'),
    serverName: text.optional().describe('Host name that it connects to (SNI).'),
    secret: secretSchema.optional(),
    organisation: text
      .optional()
      .describe(
        "Tenant ID of an Exchange Online organisation (or its default domain), as Microsoft writes it into the header. Counts only beside Microsoft's certificate.",
      ),
  })
  .describe('How its mail is recognised: by all of these that are given, at least one.')
  .meta({ id: 'From' })

const outboundSchema = z
  .union([z.enum(['return', 'handover', 'direct']), z.strictObject({ smarthost: hopSchema })])
  .optional()
  .meta({ default: 'return' })
  .describe(
    'Who carries its mail to the outside: `return` (back through this tenant), `handover` (the tenant that owns the external domain), `direct` (we, by MX), or `{ smarthost: { host, port, tls } }`.',
  )

const tenantSchema = z
  .strictObject({
    name: text.max(64).describe('A short name, used in commands and in the trace.'),
    kind: z.enum(['exchange-online', 'smtp']).describe('`exchange-online`, or `smtp` for any other mail system.'),
    domains: list(text).min(1).describe('Accepted domains; the first is the default.'),
    alsoSends: list(text).optional().meta({ default: [] }).describe('Further domains that its users may send as.'),
    from: fromSchema,
    to: hopSchema.describe('Where its mail is handed to, and how.'),
    outbound: outboundSchema,
  })
  .describe('A mail system with its own mailboxes.')
  .meta({ id: 'Tenant' })

export const modes = ['None', 'DayOne', 'DayTwo', 'Done'] as const

const entrySchema = z
  .strictObject({
    internal: text.describe(
      'Address of the mailbox in the tenant where it lives now; `@domain`; or `*.domain` with all its subdomains.',
    ),
    external: text.describe('Address that the world sees and writes to, or `@domain`.'),
    aliases: list(text).optional().meta({ default: [] }).describe('Further addresses of the same person.'),
    outboundOnly: z
      .boolean()
      .optional()
      .meta({ default: false })
      .describe('Rewritten on the way out only; several may share one external address.'),
    except: list(text)
      .optional()
      .meta({ default: [] })
      .describe('Domains, each with its subdomains, that a `*.domain` entry leaves alone.'),
    name: text.optional().describe('Name in the trace. Default: `internal -> external`.'),
    mode: z
      .enum(modes)
      .optional()
      .describe('Stage of a move, kept by `causeway directory set`: which of the two addresses is the old one.'),
  })
  .describe('One person, one domain, or a domain with its subdomains.')
  .meta({ id: 'Entry' })

const dkimKeyFields = {
  selector: text.describe('Selector: the record stands at `<selector>._domainkey.<domain>`.'),
  keyFile: text
    .optional()
    .describe(
      'Where the private key lies: `vault:NAME`, or a PEM file. Made on first use when it does not exist. Default: in the vault, as `vault:dkim/<domain>/<selector>`.',
    ),
}

const dkimSchema = z
  .strictObject({
    ...dkimKeyFields,
    ed25519: z.strictObject(dkimKeyFields).optional().describe('A second signature with Ed25519, beside the RSA one.'),
  })
  .describe('Key to sign with when From is in this domain (RSA-2048).')
  .meta({ id: 'Dkim' })

const domainSchema = z
  .strictObject({
    name: text.describe('The domain.'),
    mode: z
      .enum(['open', 'hold', 'retry-later'])
      .optional()
      .meta({ default: 'open' })
      .describe(
        '`open`; `hold`: mail is kept until it is released; `retry-later`: senders are asked to come back (451), and who did is written down. Not written: the mode stays as `causeway domain` set it, also when another field of the file changes; a new domain is open.',
      ),
    unknown: z
      .union([z.literal('reject'), z.strictObject({ tenant: text.describe('Name of the tenant.') })])
      .optional()
      .meta({ default: 'reject' })
      .describe('What becomes of mail to addresses that the directory does not know: `reject`, or `{ tenant: NAME }`.'),
    dkim: dkimSchema.optional(),
  })
  .describe('A domain that the world sees, whose mail arrives here.')
  .meta({ id: 'Domain' })

const policySchema = z
  .strictObject({
    fields: z
      .enum(['full', 'edge'])
      .optional()
      .meta({ default: 'full' })
      .describe('Header fields to rewrite: `full`, or those of the Exchange Edge server and nothing more.'),
    calendar: z
      .boolean()
      .optional()
      .meta({ default: true })
      .describe('Rewrite organizer and attendees of meeting requests.'),
    reports: z.boolean().optional().meta({ default: true }).describe('Rewrite recipients in delivery reports.'),
    ambiguousFrom: z
      .enum(['refuse', 'pass'])
      .optional()
      .meta({ default: 'refuse' })
      .describe('Mail from a tenant whose From has two readings, is missing or repeated.'),
    dmarc: z
      .enum(['honour', 'report', 'ignore'])
      .optional()
      .meta({ default: 'honour' })
      .describe(
        'Mail from the internet that fails DMARC: `honour` refuses it where its domain asks for that, and asks the sender to come back where DNS gives no answer; `report` lets it pass and the trace says so; `ignore` lets it pass. The results are written into the mail in any case.',
      ),
    trustedArcSealers: list(text)
      .optional()
      .meta({ default: [] })
      .describe(
        'Domains whose ARC seal is believed: mail that passed DMARC before they sealed it, mailing lists mostly, is not refused for DMARC.',
      ),
    notRewrittenFor: list(text)
      .optional()
      .meta({ default: [] })
      .describe('Outside recipients who must see internal addresses: addresses, domains, `*.domain`.'),
    whenNextHopFails: z
      .enum(['queue', 'defer'])
      .optional()
      .meta({ default: 'queue' })
      .describe(
        'Mail that no next hop takes now. `queue`: we keep it and try again. `defer`: the sender is asked to (451).',
      ),
    warnAfter: text
      .optional()
      .meta({ default: '4h' })
      .describe('Mail that has been in the queue this long: its sender is told of the delay. Like `90m`, `4h`, `2d`.'),
    returnAfter: text
      .optional()
      .meta({ default: '2d' })
      .describe(
        'Mail that has been in the queue this long goes back to its sender; more than `warnAfter`, at most `30d`. What is held never does.',
      ),
  })
  .describe('Rules for all mail of the project.')
  .meta({ id: 'Policy' })

const arcSchema = z
  .strictObject({
    domain: text.describe('Domain that seals: the name that tenants list as a trusted sealer.'),
    ...dkimKeyFields,
  })
  .describe(
    'Key to seal mail from the internet with (ARC, RSA-2048). Default: the DKIM key of the domain that was written to.',
  )
  .meta({ id: 'Arc' })

const count = (least: number, most: number) => z.int().min(least).max(most).optional()

const limitsSchema = z
  .strictObject({
    messageSize: text
      .optional()
      .describe(
        'Longest message, told as SIZE: from `1MB` to `150MB`. Default: what Exchange Online takes, 157286400 bytes.',
      ),
    recipients: count(100, 1000)
      .meta({ default: 1000 })
      .describe('Recipients of one transaction, 100 to 1000; for the rest the sender begins another.'),
    connections: count(10, 20_000).describe(
      'Connections in all, 10 to 20000, but never more than the open files of the process allow. Default: what they allow.',
    ),
    connectionsPerSource: count(1, 20_000)
      .meta({ default: 500 })
      .describe(
        'Connections of one address of the internet, 1 to 20000. More where a filter in front brings all mail.',
      ),
    connectionsPerTenant: count(1, 20_000).describe('Connections of one tenant, 1 to 20000. Default: half of all.'),
    unknownRecipients: count(100, 1_000_000)
      .meta({ default: 1000 })
      .describe(
        'Recipients who do not exist before a source is slowed down, 100 to 1000000. More where a filter in front brings all mail.',
      ),
  })
  .describe('How much may come in. Without them, and for all the others: docs/limits.md.')
  .meta({ id: 'Limits' })

const gatewaySchema = z
  .strictObject({
    hostname: text.describe('Our name in EHLO, Received and the certificate.'),
    tls: identitySchema.optional().describe('Our certificate and key as a server.'),
    proxies: list(text)
      .optional()
      .meta({ default: [] })
      .describe(
        'Load balancers, as addresses or networks: a connection from there must begin with a PROXY header (version 1 or 2), and the client is the one that it names.',
      ),
    postmaster: text
      .optional()
      .describe(
        'Where mail for `postmaster` at `hostname` goes, from everybody: an address of one of the tenants or of a domain under `domains`. Default: `postmaster` in the default domain of the first tenant.',
      ),
    arc: arcSchema.optional(),
    diskReserve: text
      .optional()
      .describe(
        'Free space of the data folder below which new mail is answered 452, like `500MB` or `1GB`. Default: a tenth of the file system, at most about 1 GB.',
      ),
    limits: limitsSchema.optional(),
  })
  .describe('Causeway itself.')
  .meta({ id: 'Gateway' })

export const projectSchema = z
  .strictObject({
    name: text.max(100).describe('Name of the project.'),
    gateway: gatewaySchema,
    tenants: z.array(tenantSchema).min(1).describe('The mail systems.'),
    directory: z
      .array(entrySchema)
      .optional()
      .meta({ default: [] })
      .describe('Who is where, and how the world sees them.'),
    directoryFiles: list(text)
      .optional()
      .meta({ default: [] })
      .describe(
        'CSV files with more entries: people (`Source,Target,Mode`) or Exchange Edge (`Name,InternalAddress,...`).',
      ),
    domains: z.array(domainSchema).optional().meta({ default: [] }).describe('The domains that the world sees.'),
    policy: policySchema.optional(),
  })
  .describe('Paths are relative to the project file.')
  .meta({ id: 'Project', title: 'Causeway project file' })

export type ProjectDocument = z.infer<typeof projectSchema>
export type TenantDocument = z.infer<typeof tenantSchema>
export type DomainDocument = z.infer<typeof domainSchema>
export type HopDocument = z.infer<typeof hopSchema>
export type IdentityDocument = z.infer<typeof identitySchema>
export type EntryDocument = z.infer<typeof entrySchema>

/** The parts that are checked one by one, so that what is wrong with one does not hide what is wrong with another. */
export const parts = {
  gateway: gatewaySchema,
  tenant: tenantSchema,
  tenantFields: tenantSchema.shape,
  entry: entrySchema,
  domain: domainSchema,
  policy: policySchema,
  policyFields: policySchema.shape,
}
