/** What names may look like: hosts, fields, selectors, networks. What is wrong is said in words that end a sentence. */
import { isIP, isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { domainKey } from '../mail/address/address.ts'

// What would end a line or hide in one: C0, DEL, C1, line and paragraph separators, marks that turn the reading direction.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/

export function hasControl(text: string): boolean {
  return CONTROL.test(text)
}

/** A value for a sentence: quoted, escaped, bounded. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  const visible = text.replace(new RegExp(CONTROL, 'g'), (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return visible.length > 120 ? `${visible.slice(0, 120)}...` : visible
}

/** Is the domain this one, or one below it? */
export function isUnder(domain: string, top: string): boolean {
  return domain === top || domain.endsWith(`.${top}`)
}

// RFC 5321 section 4.5.3.1, in octets; the path of 256 has its angle brackets.
const maxLocalOctets = 64
const maxAddressOctets = 254

/** Longer than an envelope can hold? */
export function isTooLong(address: string): boolean {
  if (Buffer.byteLength(address) > maxAddressOctets) return true
  return Buffer.byteLength(address.slice(0, address.lastIndexOf('@'))) > maxLocalOctets
}

/** RFC 1123 section 2.1: what DNS calls a host. No underscores, unlike domains of addresses. */
export function isHostName(name: string): boolean {
  return domainKey(name) !== '' && /^[\x21-\x7e]+$/.test(name) && !/[_]|\.$/.test(name)
}

export function isHost(name: string): boolean {
  return isIP(name) !== 0 || isHostName(name)
}

/** RFC 6376 section 3.1: selector = sub-domain *( "." sub-domain ), each of them a label of DNS. */
export function isSelector(text: string): boolean {
  return (
    text.length <= 128 &&
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(text)
  )
}

// Fields that mail is made of: as a tenant's secret they would be removed from everything that leaves. What Microsoft writes
// into every message is known to everybody, or removed by Exchange Online before it leaves.
const taken =
  /^(?:x-originatororg|x-ms-.*|x-microsoft-.*|x-forefront-.*|x-eop.*|from|to|cc|bcc|sender|reply-to|subject|date|message-id|in-reply-to|references|received|return-path|mime-version|dkim-signature|authentication-results|content-.*|resent-.*|arc-.*|list-.*|x-causeway-pass)$/i

/** RFC 5322 section 2.2: printable ASCII without colon. undefined when it may carry a secret, else why not. */
export function secretHeaderProblem(name: string): string | undefined {
  if (!/^[!-9;-~]{1,76}$/.test(name)) return 'is not the name of a header field'
  return taken.test(name) ? 'is a field that every mail has or that we set ourselves' : undefined
}

/** The network in CIDR form, a single address as the network of one; or why it is none. */
export function readNetwork(text: string): { readonly cidr: string } | { readonly why: string } {
  const [address = '', bits, ...rest] = text.split('/')
  // isIP first: 010.0.0.1, 127.1 and the like have more than one reading.
  if (isIP(address) === 0 || rest.length > 0 || address.includes('%')) return { why: 'is not an IP address or network' }
  const width = isIPv4(address) ? 32 : 128
  const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
  if (prefix < 0 || prefix > width) return { why: `has no prefix from 0 to ${width} after the /` }
  return asNetwork(address, prefix)
}

function asNetwork(address: string, prefix: number): { readonly cidr: string } | { readonly why: string } {
  const parsed = ipaddr.parse(address)
  const mapped = parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress() && prefix >= 96
  const [ip, length] = mapped ? [parsed.toIPv4Address(), prefix - 96] : [parsed, prefix]
  if (length < 8) return { why: 'is a good part of the internet' }
  return { cidr: `${ip.toString()}/${length}` }
}

/** Do two networks in CIDR form share an address? */
export function networksOverlap(a: string, b: string): boolean {
  const [one, oneBits] = ipaddr.parseCIDR(a)
  const [two, twoBits] = ipaddr.parseCIDR(b)
  return one.kind() === two.kind() && one.match(two, Math.min(oneBits, twoBits))
}

/** The word that was probably meant: at most a third of it wrong. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const scored = known.map((one) => ({
    one,
    distance: editDistance(word.toLowerCase().slice(0, 40), one.toLowerCase()),
  }))
  const best = scored.sort((a, b) => a.distance - b.distance)[0]
  return best !== undefined && best.distance <= Math.max(1, best.one.length / 3) ? best.one : undefined
}

/** Damerau-Levenshtein with adjacent swaps (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) row.push(cell(a, b, i, j, rows, row))
    rows.push(row)
  }
  return rows[a.length]?.[b.length] ?? 0
}

function cell(a: string, b: string, i: number, j: number, rows: readonly number[][], row: readonly number[]): number {
  const above = rows[i - 1] ?? []
  const same = a[i - 1] === b[j - 1] ? 0 : 1
  const steps = [(above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + same]
  if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) steps.push((rows[i - 2]?.[j - 2] ?? 0) + 1)
  return Math.min(...steps)
}
