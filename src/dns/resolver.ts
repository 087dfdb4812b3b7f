import { Resolver as Cares } from 'node:dns/promises'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import type { Answer, HostAddress, Mx, Resolver } from './dns.ts'
import { type Aged, Memory } from './memory.ts'

export type ResolverOptions = {
  /** `ip` or `ip:port`; default: those of the machine. */
  readonly servers?: readonly string[]
  /** One try at one server. */
  readonly timeoutMs?: number
  readonly tries?: number
  /** Longest time that an answer is remembered. */
  readonly maxKeepMs?: number
  readonly maxEntries?: number
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
}

/** MX and TXT come without a TTL from c-ares, and "absent" has none that we see: kept briefly. */
const unseenTtlSeconds = 60
const absentSeconds = 15

/** Answers that mean: the name or the type is not there (RFC 2308 sections 2.1 and 2.2), or no such name can be. */
const absentCodes = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME'])

export function makeResolver(o: ResolverOptions = {}): Resolver {
  const cares = new Cares({ timeout: o.timeoutMs ?? 3000, tries: o.tries ?? 2 })
  if (o.servers !== undefined) cares.setServers(o.servers)
  const memory = new Memory({
    maxEntries: o.maxEntries ?? 10_000,
    maxKeepMs: o.maxKeepMs ?? 300_000,
    now: o.now ?? (() => performance.now()),
  })

  function ask<R, T>(
    type: string,
    name: string,
    query: (ascii: string) => Promise<R>,
    read: (found: R) => Aged<T>,
  ): Promise<Answer<T>> {
    const ascii = asciiName(name)
    if (ascii === '') return Promise.resolve({ kind: 'absent', why: `${name} cannot be a domain name` })
    return memory.get(`${type} ${ascii}`, () => query(ascii).then(read, (error) => failed(type, ascii, error)))
  }

  async function addresses(host: string): Promise<Answer<readonly HostAddress[]>> {
    const literal = addressLiteral(host)
    if (literal !== undefined) return { kind: 'found', value: [literal] }
    const [four, six] = await Promise.all([
      ask(
        'A',
        host,
        (name) => cares.resolve4(name, { ttl: true }),
        (found) => hostAddresses(found, 4),
      ),
      ask(
        'AAAA',
        host,
        (name) => cares.resolve6(name, { ttl: true }),
        (found) => hostAddresses(found, 6),
      ),
    ])
    return both(four, six)
  }

  return {
    addresses,
    mx: (domain) => ask('MX', domain, (name) => cares.resolveMx(name), mxList),
    txt: (name) =>
      ask(
        'TXT',
        name,
        (n) => cares.resolveTxt(n),
        (found) => kept(found.map((pieces) => pieces.join(''))),
      ),
    ns: (name) => ask('NS', name, (n) => cares.resolveNs(n), kept<readonly string[]>),
    cname: (name) =>
      ask(
        'CNAME',
        name,
        (n) => cares.resolveCname(n),
        (found) => firstOf(found),
      ),
    close() {
      memory.clear()
      cares.cancel()
    },
  }
}

/** `192.0.2.1`, `[192.0.2.1]`, `2001:db8::1`, `[IPv6:2001:db8::1]`; undefined for a name. */
export function addressLiteral(host: string): HostAddress | undefined {
  const inside = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1).replace(/^ipv6:/i, '') : host
  const family = isIP(inside)
  return family === 4 || family === 6 ? { address: inside, family } : undefined
}

function asciiName(name: string): string {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name
  // Printable ASCII goes as it is: underscores and the like are right in the DNS, and nothing there is ever rewritten.
  return /^[!-~]+$/.test(bare) ? bare.toLowerCase() : domainToASCII(bare)
}

function failed<T>(type: string, name: string, error: unknown): Aged<T> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  if (absentCodes.has(code)) return { answer: { kind: 'absent' }, ttlSeconds: absentSeconds }
  return { answer: { kind: 'unknown', why: `the DNS did not answer for ${type} of ${name}: ${code}` }, ttlSeconds: 0 }
}

function kept<T>(value: T, ttlSeconds = unseenTtlSeconds): Aged<T> {
  return { answer: { kind: 'found', value }, ttlSeconds }
}

function firstOf(found: readonly string[]): Aged<string> {
  const [first] = found
  return first === undefined ? { answer: { kind: 'absent' }, ttlSeconds: absentSeconds } : kept(first)
}

function mxList(found: readonly { exchange: string; priority: number }[]): Aged<readonly Mx[]> {
  const list = found.map((mx) => ({ host: mx.exchange.replace(/\.$/, ''), preference: mx.priority }))
  return kept(list.toSorted((a, b) => a.preference - b.preference))
}

function hostAddresses(
  found: readonly { address: string; ttl: number }[],
  family: 4 | 6,
): Aged<readonly HostAddress[]> {
  const ttls = found.map((record) => record.ttl)
  return kept(
    found.map(({ address }) => ({ address, family })),
    Math.min(...ttls),
  )
}

/** One of the two families is enough; but "absent" is said only when both are. */
function both(
  four: Answer<readonly HostAddress[]>,
  six: Answer<readonly HostAddress[]>,
): Answer<readonly HostAddress[]> {
  const value = [four, six].flatMap((answer) => (answer.kind === 'found' ? answer.value : []))
  if (value.length > 0) return { kind: 'found', value }
  return four.kind === 'unknown' ? four : six
}
