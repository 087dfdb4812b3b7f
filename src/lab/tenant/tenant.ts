/**
 * A tenant that behaves like Exchange Online at the SMTP border: accepted domains, inbound connectors by certificate or
 * address, the relay rule with its replies, mailboxes, people, one outbound connector to the gateway.
 *
 * Promises: refuses what Exchange Online would refuse, in its words; what it took is delivered or stands in `legs` with the
 *   other side's answer; a message that was at the gateway is not sent there again.
 * Never: changes a message, apart from its Received line and what its header firewall removes.
 * On failure: a message that cannot be handed on after it was taken is told in `legs`; no report is sent.
 */
import { randomBytes } from 'node:crypto'
import { type Listener, listen } from '../../relay/listen/listen.ts'
import type { KeyPair } from '../certificates/certificates.ts'
import type { Person } from '../letter/letter.ts'
import { makePost, type Ports } from '../post/post.ts'
import { makeUser, type User } from '../user/user.ts'
import type { Connector } from './attribution.ts'
import { makeBorder } from './border.ts'
import { type Directory, withoutTag } from './recipients.ts'
import { carry, type GatewayConnector, type Leg, type Transport } from './transport.ts'

export type { Connector } from './attribution.ts'
export type { GatewayConnector, Leg } from './transport.ts'

export type TenantOptions = {
  readonly name: string
  /** Host name of the border, as it stands in MX records and certificates. */
  readonly hostname: string
  /** Its own loopback address: it listens there, and its connections come from there. */
  readonly address: string
  readonly domains: readonly string[]
  readonly connectors: readonly Connector[]
  readonly people: readonly { readonly person: Person; readonly proxies?: readonly string[] }[]
  readonly redirected?: readonly string[]
  /** Directory based edge blocking; default true. */
  readonly blocksUnknown?: boolean
  /** Contacts in the address book: all addresses of one correspondent. */
  readonly contacts?: readonly (readonly string[])[]
  /** Shown by the border and by the outbound connector. */
  readonly identity: { readonly server: KeyPair; readonly client?: KeyPair }
  readonly roots: readonly string[]
  readonly dnsServer: string
  readonly ports: Ports
}

export type SimulatedTenant = {
  readonly name: string
  readonly hostname: string
  readonly port: number
  readonly users: readonly User[]
  /** By primary or proxy address. Throws when nobody has it. */
  user(address: string): User
  connectGateway(connector: GatewayConnector): void
  /** The tenant's message trace. */
  readonly legs: readonly Leg[]
  /** Resolves when what the border has taken so far is delivered, or has failed. */
  settled(): Promise<void>
  close(): Promise<void>
}

export async function startTenant(o: TenantOptions): Promise<SimulatedTenant> {
  const byAddress = new Map<string, User>()
  const { client } = o.identity
  const post = makePost({
    hostname: o.hostname,
    address: o.address,
    dnsServer: o.dnsServer,
    ports: o.ports,
    ...(client === undefined ? {} : { identity: client }),
  })
  const legs: Leg[] = []
  let connector: GatewayConnector | undefined
  const transport: Transport = {
    directory: directoryOf(o, byAddress),
    mailboxOf: (address) => byAddress.get(address)?.mailbox,
    post,
    gateway: () => connector,
    legs,
  }
  const users = moveIn(o, transport, byAddress)
  const underWay = new Set<Promise<unknown>>()
  const settled = async (): Promise<void> => void (await Promise.allSettled(underWay))
  const listener = await openBorder(o, transport, underWay)
  const port = listener.addresses[0]?.port ?? 0
  o.ports.set(o.hostname, port)
  return {
    name: o.name,
    hostname: o.hostname,
    port,
    users,
    legs,
    user: (address) => mustFind(o, byAddress, address),
    connectGateway: (given) => {
      connector = given
    },
    settled,
    async close() {
      await listener.drain(200)
      await settled()
      await post.close()
    },
  }
}

function moveIn(o: TenantOptions, transport: Transport, byAddress: Map<string, User>): readonly User[] {
  return o.people.map((each) => {
    const user: User = makeUser({
      ...each,
      submit: (letter) => submit(o, transport, letter),
      aliases: (address) => aliasesOf(o, address),
    })
    for (const proxy of user.proxies) byAddress.set(proxy, user)
    return user
  })
}

function mustFind(o: TenantOptions, byAddress: ReadonlyMap<string, User>, address: string): User {
  const user = byAddress.get(address.toLowerCase())
  if (user === undefined) throw new Error(`${address} has no mailbox in ${o.name}`)
  return user
}

function directoryOf(o: TenantOptions, mailboxes: ReadonlyMap<string, User>): Directory {
  const redirected = new Set((o.redirected ?? []).map(withoutTag))
  return {
    domains: o.domains.map((domain) => domain.toLowerCase()),
    hasMailbox: (address) => mailboxes.has(address),
    isRedirected: (address) => redirected.has(address),
    blocksUnknown: o.blocksUnknown ?? true,
  }
}

function openBorder(o: TenantOptions, transport: Transport, underWay: Set<Promise<unknown>>): Promise<Listener> {
  const border = makeBorder({
    hostname: o.hostname,
    connectors: o.connectors,
    directory: transport.directory,
    roots: o.roots,
    // Exchange answers before it delivers; what fails then stands in the trace.
    taken({ mailFrom, recipients }, raw, attribution) {
      const why = attribution.kind === 'originating' ? attribution.why : undefined
      const leg = carry(transport, { mailFrom: mailFrom.text, recipients: recipients.map((r) => r.text), raw }, why)
      underWay.add(leg)
      leg.finally(() => underWay.delete(leg)).catch(() => {})
    },
  })
  return listen({
    hostname: o.hostname,
    addresses: [{ host: o.address, port: 0 }],
    secureContext: () => o.identity.server,
    backend: border,
    bareLineEnds: 'refuse',
  })
}

/** A message that a user wrote: the first Received line is that of the mailbox server. */
function submit(
  o: TenantOptions,
  transport: Transport,
  letter: { mailFrom: string; recipients: readonly string[]; raw: Buffer },
) {
  const server = `MBX${randomBytes(3).toString('hex').toUpperCase()}.${o.name}.prod.example`
  const received = `Received: from ${server} ([fe80::1])\r\n by ${server} with mapi id 15.20.9000.001;\r\n ${new Date().toUTCString().replace('GMT', '+0000')}\r\n`
  return carry(transport, { ...letter, raw: Buffer.concat([Buffer.from(received), letter.raw]) })
}

function aliasesOf(o: TenantOptions, address: string): readonly string[] {
  return (
    o.contacts?.find((all) => all.some((each) => each.toLowerCase() === address))?.map((each) => each.toLowerCase()) ??
    []
  )
}
