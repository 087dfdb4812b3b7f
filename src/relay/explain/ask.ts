/** A question as a person asks it: addresses as text, perhaps a message, perhaps whose connection to suppose. */
import { isIP } from 'node:net'
import { mailHosts, type RecordResolver, type Resolver } from '../../dns/dns.ts'
import { domainKey, parsePath } from '../../mail/address/address.ts'
import { type Content, normaliseLineEnds } from '../../mail/message/message.ts'
import { type Project, type Tenant, tenantNamed, tenantOfDomain } from '../../project/project.ts'
import { proofFields, type Supposition, supposeTenant } from '../admit/admit.ts'
import { makeAuthenticator } from '../authenticate/authenticate.ts'
import { type MailFrom, plainAddress, type Recipient } from '../listen/listen.ts'
import { type Connection, type ExistingKeys, type ExplainedDelivery, type Explanation, tryOut } from './trial.ts'

export type Ask = {
  /** `<>` or nothing is the null sender. */
  readonly from: string
  readonly to: readonly string[]
  /** `tenant:NAME` or `internet`. */
  readonly peer?: string
  readonly message?: Buffer
  /** Where the connection of a stranger comes from, and the name in its EHLO: SPF asks about them. */
  readonly client?: string
  readonly helo?: string
}
export type AskWith = {
  readonly project: Project
  readonly keys: ExistingKeys
  readonly passKey: Buffer
  readonly now: Date
  /** Asked for the MX of what goes out directly; nobody is asked without it. */
  readonly resolver?: RecordResolver
}
export type Asked =
  | { readonly ok: true; readonly explanation: Explanation; readonly copies: readonly Content[] }
  | { readonly ok: false; readonly why: string }

export async function askExplanation(ask: Ask, { project, keys, passKey, now, resolver }: AskWith): Promise<Asked> {
  const mailFrom = readSender(ask.from)
  if (typeof mailFrom === 'string') return { ok: false, why: mailFrom }
  const recipients: Recipient[] = []
  for (const text of ask.to) {
    const recipient = readRecipient(text)
    if (typeof recipient === 'string') return { ok: false, why: recipient }
    recipients.push(recipient)
  }
  const connection = readConnection(ask)
  if (typeof connection === 'string') return { ok: false, why: connection }
  const supposed = readPeer(project, ask.peer, mailFrom)
  if ('why' in supposed) return { ok: false, why: supposed.why }
  const message = messageOf(ask, supposed.tenant)
  await using opened = new AsyncDisposableStack()
  const authenticator = resolver && opened.adopt(makeAuthenticator({ resolver }), (a) => a.close())
  const { explanation, copies } = await tryOut({
    ...(authenticator === undefined ? {} : { authenticator }),
    connection,
    project,
    supposed: supposed.supposition,
    mailFrom,
    recipients,
    raw: message.raw,
    keys,
    passKey,
    now,
  })
  const idle = supposed.tenant !== undefined && ask.client !== undefined ? [ofATenant] : []
  const reasons = [...supposed.reasons, ...idle, ...message.reasons, ...explanation.reasons]
  const deliveries =
    resolver === undefined
      ? explanation.deliveries
      : await Promise.all(explanation.deliveries.map((d) => withHosts(d, resolver)))
  return { ok: true, explanation: { ...explanation, deliveries, reasons }, copies }
}

const ofATenant =
  'the address of the client changes nothing: everything that the connector of the tenant demands is supposed'

function readConnection({ client = '', helo = '' }: Ask): Connection | string {
  if (client !== '' && isIP(client) === 0) return `${JSON.stringify(client)} is no address of a client: write 192.0.2.1`
  return { address: plainAddress(client), helo }
}

function readSender(text: string): MailFrom | string {
  const inside = inner(text)
  const path = parsePath(inside)
  if (path.kind === 'null' || path.kind === 'address') {
    return { path, text: inside, body: '8BITMIME', smtputf8: isUnicode(inside) }
  }
  return `${JSON.stringify(text)} is no sender: ${path.kind === 'bad' ? path.why : 'write it with its domain'}`
}

function readRecipient(text: string): Recipient | string {
  const inside = inner(text)
  const path = parsePath(inside)
  if (path.kind === 'address') return { address: path.address, text: inside }
  return `${JSON.stringify(text)} is no recipient: ${path.kind === 'bad' ? path.why : 'write it with its domain'}`
}

const inner = (text: string): string => (text.startsWith('<') && text.endsWith('>') ? text.slice(1, -1) : text)
const isUnicode = (text: string): boolean => /[^\x00-\x7f]/.test(text)

type Supposed = { readonly supposition: Supposition; readonly tenant?: Tenant; readonly reasons: readonly string[] }

function readPeer(project: Project, peer: string | undefined, from: MailFrom): Supposed | { readonly why: string } {
  if (peer === 'internet') return { supposition: { peers: [], why: '' }, reasons: [] }
  if (peer === undefined) return guessPeer(project, from)
  const tenant = peer.startsWith('tenant:') ? tenantNamed(project, peer.slice('tenant:'.length)) : undefined
  if (tenant !== undefined) return { supposition: supposeTenant(tenant), tenant, reasons: [] }
  const names = project.tenants.map((t) => `tenant:${t.name}`).join(', ')
  return { why: `${JSON.stringify(peer)} is no peer of this project; it has ${names} and internet` }
}

function guessPeer(project: Project, from: MailFrom): Supposed {
  const domain = from.path.kind === 'address' ? domainKey(from.path.address.domain) : ''
  const tenant = tenantOfDomain(project, domain) ?? project.tenants.find((t) => t.alsoSends.includes(domain))
  if (tenant === undefined) return { supposition: { peers: [], why: '' }, reasons: [] }
  const reason = `no peer was given: a connection of tenant ${tenant.name} is supposed, whose domain the sender has`
  return { supposition: supposeTenant(tenant), tenant, reasons: [reason] }
}

/** Without a message a plain one is supposed. A file with the line ends of its system is read as it would be sent. */
function messageOf(
  ask: Ask,
  tenant: Tenant | undefined,
): { readonly raw: Buffer; readonly reasons: readonly string[] } {
  if (ask.message !== undefined) {
    const raw = normaliseLineEnds(ask.message)
    return {
      raw,
      reasons: raw === ask.message ? [] : ['line ends of the file were made CRLF, as they are when it is sent'],
    }
  }
  const from = inner(ask.from) === '' ? `MAILER-DAEMON@${tenant?.domains[0] ?? 'localhost'}` : inner(ask.from)
  const lines = [
    ...(tenant === undefined ? [] : proofFields(tenant)),
    `From: <${from}>`,
    `To: ${ask.to.map((to) => `<${inner(to)}>`).join(',\r\n ')}`,
    'Subject: an example',
    'Message-ID: <example@explain.invalid>',
  ]
  return {
    raw: Buffer.from(`${lines.join('\r\n')}\r\n\r\nHello.\r\n`),
    reasons: ['no message was given: a plain one is supposed'],
  }
}

async function withHosts(delivery: ExplainedDelivery, resolver: Resolver): Promise<ExplainedDelivery> {
  if (delivery.by !== 'direct') return delivery
  const found = await mailHosts(resolver, delivery.nextHop.host)
  const hosts = found.kind === 'found' ? found.value.join(', ') : `${found.kind}: ${found.why ?? ''}`
  return { ...delivery, reasons: [...delivery.reasons, `MX of ${delivery.nextHop.host}: ${hosts}`] }
}
