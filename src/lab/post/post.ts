/**
 * How one party of the lab hands mail to others: to a server it knows, or by the MX in the lab's DNS.
 *
 * Promises: connections come from the party's own loopback address; one result per recipient, in order, with the other
 *   side's own words.
 * Never: asks any DNS but the lab's, or connects to a host that the lab has not put up.
 * On failure: a result that says what happened.
 */
import { connect } from 'node:net'
import { mailHosts, makeResolver, type Resolver } from '../../dns/dns.ts'
import { hasBareLineEnds, is8bit } from '../../mail/message/message.ts'
import { type Identity, type NextHop } from '../../project/project.ts'
import { type Attempt, type Deliverer, makeDeliverer } from '../../relay/deliver/deliver.ts'

/** MX records have no port (RFC 5321 section 5.1), and the lab's servers cannot all have port 25. */
export type Ports = Map<string, number>

export type Letter = { readonly mailFrom: string; readonly recipients: readonly string[]; readonly raw: Buffer }

export type Sent = {
  readonly recipient: string
  readonly kind: 'delivered' | 'refused' | 'deferred'
  /** `550 5.7.1 …`: what the other side said. */
  readonly reply: string
  readonly remote: string
  readonly tls: string
}

export type Post = {
  /** To this server, or without one by MX. */
  send(letter: Letter, hop?: NextHop): Promise<readonly Sent[]>
  close(): Promise<void>
}

export type PostOptions = {
  /** Our name in EHLO. */
  readonly hostname: string
  /** The loopback address that connections come from. */
  readonly address: string
  readonly dnsServer: string
  readonly ports: Ports
  /** Shown to whoever asks for a client certificate. */
  readonly identity?: Identity
}

export function makePost(o: PostOptions): Post {
  const dns = makeResolver({ servers: [o.dnsServer], maxKeepMs: 0, timeoutMs: 2000 })
  const dial = (host: string, port: number) => connect({ host, port, localAddress: o.address })
  const deliverer = makeDeliverer({ hostname: o.hostname, dns, dial, timeouts: { closing: 200 } })
  return {
    send: (letter, hop) =>
      hop === undefined
        ? sendByMx(o, dns, deliverer, letter)
        : hand(deliverer, letter, withIdentity(hop, o.identity), o.hostname),
    async close() {
      await deliverer.close()
      dns.close()
    },
  }
}

async function sendByMx(o: PostOptions, dns: Resolver, deliverer: Deliverer, letter: Letter): Promise<readonly Sent[]> {
  const byDomain = Map.groupBy(letter.recipients, domainOf)
  const sent = await Promise.all(
    [...byDomain].map(async ([domain, recipients]) => {
      const hops = await hopsOf(o, dns, domain)
      if (typeof hops === 'string') return recipients.map((recipient) => nowhere(recipient, hops))
      return hand(deliverer, { ...letter, recipients }, hops, o.hostname)
    }),
  )
  const results = new Map(sent.flat().map((each) => [each.recipient, each]))
  return letter.recipients.flatMap((recipient) => results.get(recipient) ?? [])
}

async function hopsOf(o: PostOptions, dns: Resolver, domain: string): Promise<readonly NextHop[] | string> {
  const hosts = await mailHosts(dns, domain)
  if (hosts.kind !== 'found') return hosts.why ?? `${domain} takes no mail`
  const hops = hosts.value.flatMap((host) => {
    const port = o.ports.get(host)
    return port === undefined ? [] : [withIdentity({ host, port, tls: 'opportunistic', serverName: host }, o.identity)]
  })
  return hops.length === 0 ? `no server of the lab is called ${hosts.value.join(' or ')}` : hops
}

function withIdentity(hop: NextHop, identity: Identity | undefined): NextHop {
  return identity === undefined || hop.identity !== undefined ? hop : { ...hop, identity }
}

async function hand(deliverer: Deliverer, letter: Letter, hop: Attempt['hop'], helo: string): Promise<readonly Sent[]> {
  const outcomes = await deliverer.attempt({
    hop,
    mailFrom: letter.mailFrom,
    recipients: letter.recipients.map((address) => ({ address })),
    content: [letter.raw],
    body: is8bit(letter.raw) ? '8BITMIME' : '7BIT',
    smtputf8: false,
    // Exchange Online sends what has bare line ends by BDAT, and only that way.
    via: hasBareLineEnds(letter.raw) ? 'BDAT' : 'DATA',
    helo,
  })
  return outcomes.map(({ kind, reply, remote, tls }, i) => ({
    recipient: letter.recipients[i] ?? '',
    kind,
    reply: [reply.code, reply.enhanced, reply.text].filter(Boolean).join(' '),
    remote,
    tls,
  }))
}

const nowhere = (recipient: string, why: string): Sent => ({
  recipient,
  kind: 'refused',
  reply: why,
  remote: '',
  tls: '',
})

export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()
