import type { Socket } from 'node:net'
import type { Resolver } from '../../dns/dns.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { NextHop } from '../../project/project.ts'
import type { Offers, Timeouts } from './attempt.ts'
import type { Clock } from './clock.ts'
import { offersNothing, readOffers } from './offers.ts'
import type { Patience } from './run.ts'
import { type Contexts, type Secured, secure, type TlsMemory } from './tls.ts'
import { connectionLost, said, Wire } from './wire.ts'

/** A connection that is ready for MAIL. */
export type Session = {
  readonly wire: Wire
  readonly remote: string
  readonly tls: string
  readonly offers: Offers
  /** Transactions so far. */
  messages: number
  /** A transaction was left open: RSET before the next. */
  needsReset: boolean
  /** It has rested, or has done a transaction: it may have died in the meantime. */
  isReused: boolean
}

export type Failed = {
  readonly kind: 'failed'
  readonly remote: string
  readonly tls: string
  readonly reply: Reply
  readonly why: string
  /** The server spoke, or broke TLS: that tells more than that nobody was there. */
  readonly reached: boolean
  /** As in `Outcome`. */
  readonly spoke?: true
}

/** What opening needs from the deliverer. */
export type Parts = {
  readonly dns: Resolver
  readonly dial: (host: string, port: number) => Socket
  readonly clock: Clock
  readonly timeouts: Timeouts
  readonly contexts: Contexts
}

export type Opening = {
  readonly parts: Parts
  readonly hop: NextHop
  readonly helo: string
  readonly tlsMemory: TlsMemory
  readonly patience: Patience
}

/** More addresses than this are not tried for one attempt. */
const maxAddresses = 6

const unreachable: Reply = { code: 451, enhanced: '4.4.1', text: 'no connection to the next server' }

/**
 * Opens a session with the first address of the host that gets as far as MAIL. Whatever goes wrong before MAIL is the
 * host's trouble and not the message's, so it is never a refusal (RFC 5321 section 5.1: another one may take it).
 */
export async function openSession(o: Opening): Promise<Session | Failed> {
  const { hop } = o
  const found = await o.parts.dns.addresses(hop.host)
  if (found.kind !== 'found') {
    const why = found.why ?? `${hop.host} has no address in the DNS`
    return failed(`${hop.host}:${hop.port}`, replies.dnsTrouble(hop.host), why)
  }
  // QUIRK: IPv4 first. Exchange Online asks more of IPv6 senders (4.7.26, 5.7.25: PTR and SPF or DKIM for each message).
  const addresses = found.value.toSorted((a, b) => a.family - b.family).slice(0, maxAddresses)
  const failures: Failed[] = []
  for (const { address } of addresses) {
    if (o.patience.over) break
    const opened = await openAt(o, address, hop.tls !== 'none')
    if (!('kind' in opened)) return opened
    failures.push(opened)
  }
  return together(failures, `${hop.host}:${hop.port}`)
}

/** Several failures told as one: the last one that reached a server, else the last, with the reasons of all. */
export function together(failures: readonly Failed[], remote: string): Failed {
  const telling = failures.findLast((f) => f.reached) ?? failures.at(-1)
  if (telling === undefined) return failed(remote, replies.deadline(), 'the deadline passed')
  if (failures.length === 1) return telling
  return { ...telling, why: failures.map((f) => `${f.remote}: ${f.why}`).join('; ') }
}

export function failed(remote: string, reply: Reply, why: string, reached = false): Failed {
  return { kind: 'failed', remote, tls: '', reply, why, reached }
}

/** `mayUseTls` false: the policy says so, or a handshake has just failed and the policy is `opportunistic`. */
async function openAt(o: Opening, address: string, mayUseTls: boolean): Promise<Session | Failed> {
  const { hop, parts, patience } = o
  const remote = `${hop.host} [${address}]:${hop.port}`
  const wire = new Wire(parts.dial(address, hop.port), parts.clock)
  patience.stop = () => wire.lose('the deadline passed')
  if (!(await wire.connected(parts.timeouts.connect)))
    return failed(remote, unreachable, `cannot connect: ${wire.lost}`)
  const begun = await begin({ o, wire, remote }, mayUseTls)
  if (!('kind' in begun)) return begun
  wire.lose('given up')
  if (begun.kind === 'failed') return begun
  return patience.over ? failed(remote, replies.deadline(), 'the deadline passed') : openAt(o, address, begun.withTls)
}

type Dialogue = { readonly o: Opening; readonly wire: Wire; readonly remote: string }

/** On a fresh connection. Ends, because it is never said twice for the same reason. */
type Again = { readonly kind: 'again'; readonly withTls: boolean }

async function begin(d: Dialogue, mayUseTls: boolean): Promise<Session | Failed | Again> {
  const { hop, parts } = d.o
  // RFC 8314 section 7.3: on port 465 TLS comes first.
  const implicit = mayUseTls && hop.port === 465
  // Listened for before the handshake: by TLS 1.2 it may come with the last bytes of it.
  const greeted = d.wire.hear('the connection', parts.timeouts.greeting)
  const first = implicit ? await makeSecure(d) : plaintext
  if (first.kind === 'failed') return first.wasResuming ? { kind: 'again', withTls: true } : tlsFailed(d, first.why)
  const greeting = await greeted
  if (greeting.code !== 220) return sorry(d, 'it greeted with', greeting)
  const offers = await hello(d)
  if ('kind' in offers) return offers
  if (implicit || !mayUseTls) return session(d, first.words, offers)
  const started = await startTls(d, offers)
  if (started.kind === 'trouble') return started.failed
  if (started.kind === 'failed') return afterFailedHandshake(d, started)
  if (started === plaintext) return session(d, '', offers)
  // RFC 3207 section 4.2: what was offered in the clear is forgotten.
  const offersInTls = await hello(d)
  return 'kind' in offersInTls ? offersInTls : session(d, started.words, offersInTls)
}

const plaintext = { kind: 'plaintext', words: '' } as const

/** RFC 7435: opportunistic security goes on in plaintext; anything else would be worse than no TLS at all. */
function afterFailedHandshake(d: Dialogue, { why, wasResuming }: Secured & { kind: 'failed' }): Failed | Again {
  if (wasResuming) return { kind: 'again', withTls: true }
  return d.o.hop.tls === 'opportunistic' ? { kind: 'again', withTls: false } : tlsFailed(d, why)
}

function session({ wire, remote }: Dialogue, tls: string, offers: Offers): Session {
  return { wire, remote, tls, offers, messages: 0, needsReset: false, isReused: false }
}

/** EHLO, or HELO for a server that does not know it (RFC 5321 section 3.2). */
async function hello({ o, wire, remote }: Dialogue): Promise<Offers | Failed> {
  const reply = await wire.ask(`EHLO ${o.helo}`, o.parts.timeouts.command, 'EHLO')
  if (reply.code === 250) return readOffers(wire.lines)
  if (reply.code < 500) return sorry({ o, wire, remote }, 'EHLO was answered', reply)
  const old = await wire.ask(`HELO ${o.helo}`, o.parts.timeouts.command, 'HELO')
  return old.code === 250 ? offersNothing : sorry({ o, wire, remote }, 'HELO was answered', old)
}

type Started = Secured | typeof plaintext | { readonly kind: 'trouble'; readonly failed: Failed }

async function startTls(d: Dialogue, offers: Offers): Promise<Started> {
  const { hop, parts } = d.o
  const required = hop.tls === 'required'
  if (!offers.startTls) {
    if (!required) return plaintext
    return { kind: 'trouble', failed: tlsFailed(d, 'it does not offer STARTTLS') }
  }
  const reply = await d.wire.ask('STARTTLS', parts.timeouts.command)
  if (reply.code !== 220) {
    if (!required && d.wire.lost === undefined) return plaintext
    return { kind: 'trouble', failed: sorry(d, 'STARTTLS was answered', reply, replies.nextHopTls()) }
  }
  // RFC 3207 section 4.2, and the response injection of 2021: what came in the clear after the go-ahead is not the
  // server's. Somebody sits in between, so `opportunistic` does not go on in plaintext either.
  if (!d.wire.isQuiet)
    return { kind: 'trouble', failed: tlsFailed(d, 'it sent bytes in the clear after its answer to STARTTLS') }
  return makeSecure(d)
}

function makeSecure({ o, wire }: Dialogue): Promise<Secured> {
  return secure(wire, o.hop, o.parts.contexts, o.tlsMemory, o.parts.timeouts.handshake)
}

function tlsFailed({ remote }: Dialogue, why: string): Failed {
  return failed(remote, replies.nextHopTls(), `TLS: ${why}`, true)
}

function sorry({ wire, remote }: Dialogue, what: string, reply: Reply, ours = reply): Failed {
  if (reply !== connectionLost) {
    const failure = failed(remote, ours, `${what} ${said(reply)}`, true)
    return ours === reply ? { ...failure, spoke: true } : failure
  }
  return ours === reply ? failed(remote, unreachable, wire.lost ?? '') : failed(remote, ours, wire.lost ?? '', true)
}
