import { randomInt } from 'node:crypto'
import { isIP } from 'node:net'
import type { Answer, Mx, Resolver } from './dns.ts'
import { addressLiteral } from './resolver.ts'

/** More hosts than this are not tried: a hostile zone must not keep us busy. */
const maxHosts = 16

/**
 * The hosts that take mail for `domain`, in the order in which to try them (RFC 5321 section 5.1).
 * `absent` always says why. `ourName`: a host that is not better than ourselves is left out, since mail would loop.
 */
export async function mailHosts(r: Resolver, domain: string, ourName = ''): Promise<Answer<readonly string[]>> {
  const literal = addressLiteral(domain)
  if (literal !== undefined) return { kind: 'found', value: [literal.address] }
  const mx = await r.mx(domain)
  switch (mx.kind) {
    case 'unknown':
      return mx
    case 'found':
      return fromMx(domain, mx.value, ourName)
    case 'absent':
      return implicitMx(r, domain, mx.why)
  }
}

function fromMx(domain: string, records: readonly Mx[], ourName: string): Answer<readonly string[]> {
  // RFC 7505 section 3: a single record with an empty name. Beside others it means nothing and is ignored.
  const named = records.filter((mx) => mx.host !== '')
  if (named.length === 0) return { kind: 'absent', why: `${domain} takes no mail (null MX, RFC 7505)` }
  // RFC 5321 section 5.1: an MX name is a host name; an address there is an error of the zone.
  const usable = named.filter((mx) => isIP(mx.host) === 0)
  if (usable.length === 0) return { kind: 'absent', why: `the MX records of ${domain} name no host` }
  const better = betterThan(ourName, usable)
  if (better.length === 0) return { kind: 'absent', why: `the best MX of ${domain} is ${ourName} itself: a loop` }
  return { kind: 'found', value: inOrder(better).slice(0, maxHosts) }
}

/** RFC 5321 section 5.1: if we are in the list, only hosts with a better (lower) preference than ours are candidates. */
function betterThan(ourName: string, records: readonly Mx[]): readonly Mx[] {
  const own = records.filter((mx) => mx.host.toLowerCase() === ourName.toLowerCase())
  const limit = Math.min(...own.map((mx) => mx.preference))
  return records.filter((mx) => mx.preference < limit)
}

/** By preference; equal ones in random order, which spreads the load (RFC 5321 section 5.1). */
function inOrder(records: readonly Mx[]): string[] {
  const drawn = records.map((mx) => ({ ...mx, lot: randomInt(2 ** 32) }))
  drawn.sort((a, b) => a.preference - b.preference || a.lot - b.lot)
  return [...new Set(drawn.map((mx) => mx.host.toLowerCase()))]
}

/** RFC 5321 section 5.1: no MX at all means that the domain's own addresses take its mail. */
async function implicitMx(r: Resolver, domain: string, why: string | undefined): Promise<Answer<readonly string[]>> {
  const addresses = await r.addresses(domain)
  switch (addresses.kind) {
    case 'unknown':
      return addresses
    case 'found':
      return { kind: 'found', value: [domain] }
    case 'absent':
      return { kind: 'absent', why: why ?? `${domain} has no MX, no A and no AAAA record` }
  }
}
