/** Who is one source: an IPv4 address, or an IPv6 network of 64 bits, which one subscriber has for himself (RFC 6177). */
import { isIPv6 } from 'node:net'

export function sourceOf(address: string): string {
  return isIPv6(address) ? network(address) : address
}

/**
 * An address as rules and people write it: IPv6 as RFC 5952 says, and IPv4 within IPv6 (RFC 4291 section 2.5.5.2) as IPv4, for
 * a dual-stack socket and a balancer show IPv4 clients so.
 */
export function plainAddress(address: string): string {
  if (!isIPv6(address)) return address
  const [bare = '', zone] = address.split('%')
  const text = new URL(`http://[${bare}]/`).hostname.slice(1, -1)
  const four = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text)
  if (four === null) return zone === undefined ? text : `${text}%${zone}`
  return [four[1], four[2]].flatMap((half) => octets(Number.parseInt(half ?? '', 16))).join('.')
}

const octets = (half: number): number[] => [half >> 8, half & 255]

/** The first four groups; `::` stands for as many zeros as are missing (RFC 4291 section 2.2). */
function network(address: string): string {
  const [bare = ''] = address.split('%')
  const [head = '', tail] = bare.split('::')
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const zeros = Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  const all = [...front, ...zeros, ...back].slice(0, 4)
  return `${all.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

/** An IPv4 address at the end is two groups. */
function groups(text: string): string[] {
  return text.split(':').flatMap((group) => (group === '' ? [] : group.includes('.') ? ['0', '0'] : [group]))
}
