/**
 * What a load balancer says before the client's first byte: who the client is (the PROXY protocol of HAProxy, versions 1 and 2).
 * Read only from addresses that the project lists: from anybody else it would be a lie that costs nothing.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { plainAddress } from './source.ts'

export type ProxyHeader =
  /** Not all of it is there. */
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly why: string }
  /** `source` is missing where the balancer speaks for itself (its health checks) or does not know whom it speaks for. */
  | { readonly kind: 'header'; readonly length: number; readonly source?: Source }

export type Source = { readonly address: string; readonly port: number }

const more: ProxyHeader = { kind: 'more' }
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const v1Begin = Buffer.from('PROXY ')
/** Section 2.1: the longest line, with its CRLF. */
const v1Bytes = 107
const v2FixedBytes = 16
/** Section 2.2 allows 65,535. Addresses and the values that balancers add take a few hundred. */
const v2Bytes = 4096

/** Reads the beginning of a connection. It never says `more` when `v2Bytes` or more are there. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (isBegunBy(bytes, v1Begin)) return bytes.length < v1Begin.length ? more : readLine(bytes)
  if (isBegunBy(bytes, signature)) return bytes.length < v2FixedBytes ? more : readBinary(bytes)
  return bad('no PROXY header')
}

/** Are the bytes, as far as they go, those of `wanted`? */
function isBegunBy(bytes: Buffer, wanted: Buffer): boolean {
  const length = Math.min(bytes.length, wanted.length)
  return bytes.compare(wanted, 0, length, 0, length) === 0
}

function bad(why: string): ProxyHeader {
  return { kind: 'bad', why }
}

/** Section 2.1: `PROXY TCP4 source destination sourcePort destinationPort`, one blank each. */
function readLine(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, v1Bytes).indexOf('\r\n')
  if (end < 0) return bytes.length < v1Bytes ? more : bad('a PROXY line that does not end')
  const length = end + 2
  const [, family, address = '', destination = '', port = '', destinationPort = '', ...rest] = bytes
    .toString('latin1', 0, end)
    .split(' ')
  // Whatever follows UNKNOWN must be ignored.
  if (family === 'UNKNOWN') return { kind: 'header', length }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : () => false
  const isWhole = isAddress(address) && isAddress(destination) && isPort(port) && isPort(destinationPort)
  if (!isWhole || rest.length > 0 || address.includes('%')) return bad('a PROXY line that cannot be read')
  return { kind: 'header', length, source: { address: plainAddress(address), port: Number(port) } }
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535
}

/** Section 2.2: version and command, family, length, addresses; what follows the addresses (TLV) is passed over. */
function readBinary(bytes: Buffer): ProxyHeader {
  const command = bytes.readUInt8(12)
  const family = bytes.readUInt8(13)
  const length = v2FixedBytes + bytes.readUInt16BE(14)
  if (command !== LOCAL && command !== PROXY) return bad('a PROXY version or command that does not exist')
  if (length > v2Bytes) return bad('a PROXY header that is too long')
  if (bytes.length < length) return more
  // LOCAL: the balancer itself. Families without IP addresses, and unknown ones: the real endpoint counts.
  if (command === LOCAL || (family !== TCP4 && family !== TCP6)) return { kind: 'header', length }
  const wide = family === TCP4 ? 4 : 16
  const at = v2FixedBytes
  if (length < at + 2 * wide + 4) return bad('a PROXY header without its addresses')
  const address = wide === 4 ? dotted(bytes.subarray(at, at + 4)) : grouped(bytes.subarray(at, at + 16))
  return { kind: 'header', length, source: { address, port: bytes.readUInt16BE(at + 2 * wide) } }
}

const LOCAL = 0x20
const PROXY = 0x21
const TCP4 = 0x11
const TCP6 = 0x21

function dotted(four: Buffer): string {
  return four.join('.')
}

function grouped(sixteen: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => sixteen.readUInt16BE(2 * i).toString(16))
  return plainAddress(groups.join(':'))
}
