import { Resolver as Cares } from 'node:dns/promises'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import type { HostAddress, Mx, RecordAnswer, RecordResolver, RecordType } from './dns.ts'
import { type Aged, Memory, type MemoryOptions } from './memory.ts'

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

const loopback: readonly HostAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** Answers that mean: the name or the type is not there (RFC 2308 sections 2.1 and 2.2), or no such name can be. */
const absentCodes = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME'])

export function makeResolver(o: ResolverOptions = {}): RecordResolver {
  const cares = channel(o)
  const memories: { clear(): void }[] = []

  /** A function that asks for one record type, with a memory of its own. */
  function question<R, T>(type: string, query: Query<R>, read: (found: R) => Aged<T>): Ask<T> {
    const memory = new Memory<T>(memoryOptions(o))
    memories.push(memory)
    return async (name) => {
      const ascii = asciiName(name)
      if (ascii === '') return { kind: 'absent', why: `${name} cannot be a domain name`, nameExists: false }
      return memory.get(ascii, () => asked(o, cares, query, ascii).then(read, (error) => failed(type, ascii, error)))
    }
  }

  const a = question('A', (by, name) => by.resolve4(name, { ttl: true }), hostAddresses(4))
  const aaaa = question('AAAA', (by, name) => by.resolve6(name, { ttl: true }), hostAddresses(6))
  const txt = question('TXT', (by, name) => by.resolveTxt(name), joined)
  const ptr = question('PTR', (by, name) => by.resolvePtr(name), kept<readonly string[]>)
  const cname = question('CNAME', (by, name) => by.resolveCname(name), kept<readonly string[]>)
  const byType: { readonly [T in RecordType]: Ask<readonly string[]> } = {
    A: async (name) => texts(await a(name)),
    AAAA: async (name) => texts(await aaaa(name)),
    TXT: txt,
    PTR: ptr,
    CNAME: cname,
  }
  return {
    async addresses(host) {
      const literal = addressLiteral(host)
      if (literal !== undefined) return { kind: 'found', value: [literal] }
      // RFC 6761 section 6.3: never asked of a server.
      if (host.toLowerCase() === 'localhost') return { kind: 'found', value: loopback }
      return either(...(await Promise.all([a(host), aaaa(host)])))
    },
    mx: question('MX', (by, name) => by.resolveMx(name), mxList),
    txt,
    ns: question('NS', (by, name) => by.resolveNs(name), kept<readonly string[]>),
    cname: async (name) => firstOf(await cname(name)),
    records: (type, name) => byType[type](name),
    close() {
      for (const memory of memories) memory.clear()
      cares.cancel()
    },
  }
}

function channel(o: ResolverOptions): Cares {
  const cares = new Cares({ timeout: o.timeoutMs ?? 3000, tries: o.tries ?? 2 })
  if (o.servers !== undefined) cares.setServers(o.servers)
  return cares
}

type Query<R> = (by: Cares, name: string) => Promise<R>

/** QUIRK: c-ares gives up every question of a channel when one is answered with bytes that are no DNS. The others ask again, alone. */
async function asked<R>(o: ResolverOptions, cares: Cares, query: Query<R>, name: string): Promise<R> {
  return query(cares, name).catch((error: unknown) => {
    if (codeOf(error) === 'EBADRESP') return query(channel(o), name)
    throw error
  })
}

type Ask<T> = (name: string) => Promise<RecordAnswer<T>>

function memoryOptions(o: ResolverOptions): MemoryOptions {
  return {
    maxEntries: o.maxEntries ?? 10_000,
    maxKeepMs: o.maxKeepMs ?? 300_000,
    now: o.now ?? (() => performance.now()),
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
  const code = codeOf(error)
  if (absentCodes.has(code))
    return { answer: { kind: 'absent', nameExists: code === 'ENODATA' }, ttlSeconds: absentSeconds }
  return { answer: { kind: 'unknown', why: `the DNS did not answer for ${type} of ${name}: ${code}` }, ttlSeconds: 0 }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)

function kept<T>(value: T, ttlSeconds = unseenTtlSeconds): Aged<T> {
  return { answer: { kind: 'found', value }, ttlSeconds }
}

function firstOf(answer: RecordAnswer<readonly string[]>): RecordAnswer<string> {
  if (answer.kind !== 'found') return answer
  const [first] = answer.value
  return first === undefined ? { kind: 'absent', nameExists: true } : { kind: 'found', value: first }
}

function texts(answer: RecordAnswer<readonly HostAddress[]>): RecordAnswer<readonly string[]> {
  return answer.kind === 'found' ? { kind: 'found', value: answer.value.map(({ address }) => address) } : answer
}

function mxList(found: readonly { exchange: string; priority: number }[]): Aged<readonly Mx[]> {
  const list = found.map((mx) => ({ host: mx.exchange.replace(/\.$/, ''), preference: mx.priority }))
  return kept(list.toSorted((a, b) => a.preference - b.preference))
}

/** RFC 7208 section 3.3: the strings of one record belong together without a space. */
function joined(found: readonly (readonly string[])[]): Aged<readonly string[]> {
  return kept(found.map((strings) => strings.join('')))
}

type Found = readonly { readonly address: string; readonly ttl: number }[]

function hostAddresses(family: 4 | 6): (found: Found) => Aged<readonly HostAddress[]> {
  return (found) =>
    kept(
      found.map(({ address }) => ({ address, family })),
      Math.min(...found.map((record) => record.ttl)),
    )
}

/** One of the two families is enough; but "absent" is said only when both are. */
function either(
  four: RecordAnswer<readonly HostAddress[]>,
  six: RecordAnswer<readonly HostAddress[]>,
): RecordAnswer<readonly HostAddress[]> {
  const value = [four, six].flatMap((answer) => (answer.kind === 'found' ? answer.value : []))
  if (value.length > 0) return { kind: 'found', value }
  return four.kind === 'unknown' ? four : six
}
