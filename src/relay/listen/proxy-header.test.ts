import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type ProxyHeader, readProxyHeader } from './proxy-header.ts'

const read = (text: string): ProxyHeader => readProxyHeader(Buffer.from(text, 'latin1'))
const sourceOf = (header: ProxyHeader) => (header.kind === 'header' ? (header.source ?? 'its own') : header.kind)

/** A binary header; what stands behind it belongs to the client. */
function binary(command: number, family: number, rest: Buffer, length = rest.length): Buffer {
  const head = Buffer.from('\r\n\r\n\0\r\nQUIT\n\0\0\0\0', 'latin1')
  head[12] = command
  head[13] = family
  head.writeUInt16BE(length, 14)
  return Buffer.concat([head, rest])
}

const four = Buffer.from('c0000201c6336407125d0019', 'hex')
const six = Buffer.from('20010db8000000000000000000000001fe800000000000000000000000000002125d0019', 'hex')
/** A TLV of type 3 (CRC), one of type 0x20 (TLS, with others inside), one of a type that is nobody's. */
const values = Buffer.from('030004deadbeef20000501000000002100ee0001ff', 'hex')

const lines: readonly (readonly [line: string, source: unknown])[] = [
  ['PROXY TCP4 192.0.2.1 198.51.100.7 4701 25\r\n', { address: '192.0.2.1', port: 4701 }],
  ['PROXY TCP4 192.0.2.1 198.51.100.7 0 65535\r\n', { address: '192.0.2.1', port: 0 }],
  ['PROXY TCP6 2001:db8::1 2001:db8::2 4701 25\r\nEHLO', { address: '2001:db8::1', port: 4701 }],
  ['PROXY TCP6 ::ffff:192.0.2.1 2001:DB8::2 4701 25\r\n', { address: '192.0.2.1', port: 4701 }],
  ['PROXY TCP6 2001:0DB8:0::1 2001:db8::2 4701 25\r\n', { address: '2001:db8::1', port: 4701 }],
  ['PROXY UNKNOWN\r\n', 'its own'],
  ['PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n', 'its own'],
  ['PROXY TCP4 192.0.2.1 198.51.100.7 4701 65536\r\n', 'bad'],
  ['PROXY TCP4 192.0.2.1 198.51.100.7 04701 25\r\n', 'bad'],
  ['PROXY TCP4 192.0.2.1 198.51.100.7 4701 25 \r\n', 'bad'],
  ['PROXY TCP4  192.0.2.1 198.51.100.7 4701 25\r\n', 'bad'],
  ['PROXY TCP4 192.0.2.01 198.51.100.7 4701 25\r\n', 'bad'],
  ['PROXY TCP4 2001:db8::1 2001:db8::2 4701 25\r\n', 'bad'],
  ['PROXY TCP6 192.0.2.1 198.51.100.7 4701 25\r\n', 'bad'],
  ['PROXY TCP6 fe80::1%lo fe80::2%lo 4701 25\r\n', 'bad'],
  ['PROXY TCP5 192.0.2.1 198.51.100.7 4701 25\r\n', 'bad'],
  ['PROXY \r\n', 'bad'],
  ['PROXY TCP4 192.0.2.1 198.51.100.7 4701 25\nEHLO x\r\n', 'bad'],
  ['proxy TCP4 192.0.2.1 198.51.100.7 4701 25\r\n', 'bad'],
  [`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`, 'its own'],
  [`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`, 'bad'],
  ['PROXY TCP4 192.0.2.1 198.51.100.7 4701 25\r', 'more'],
  ['PROX', 'more'],
  ['', 'more'],
  ['EHLO client.example\r\n', 'bad'],
  ['\r\n\r\n\0\r\nQUIT', 'more'],
  ['\r\n\r\n\0\r\nQUIX', 'bad'],
  ['\x16\x03\x01', 'bad'],
]

for (const [line, source] of lines)
  test(`version 1: ${JSON.stringify(line.slice(0, 60))}`, () => assert.deepEqual(sourceOf(read(line)), source))

const binaries: readonly (readonly [what: string, bytes: Buffer, source: unknown])[] = [
  ['IPv4', binary(0x21, 0x11, four), { address: '192.0.2.1', port: 4701 }],
  ['IPv6', binary(0x21, 0x21, six), { address: '2001:db8::1', port: 4701 }],
  [
    'IPv4 with values behind it',
    binary(0x21, 0x11, Buffer.concat([four, values])),
    { address: '192.0.2.1', port: 4701 },
  ],
  ['the balancer itself', binary(0x20, 0, Buffer.alloc(0)), 'its own'],
  ['the balancer itself, with addresses that count for nothing', binary(0x20, 0x11, four), 'its own'],
  ['a family that nobody knows', binary(0x21, 0, Buffer.alloc(0)), 'its own'],
  ['a local socket', binary(0x21, 0x31, Buffer.alloc(216)), 'its own'],
  ['datagrams', binary(0x21, 0x12, four), 'its own'],
  ['addresses cut short', binary(0x21, 0x11, four.subarray(1)), 'bad'],
  ['IPv6 with the length of IPv4', binary(0x21, 0x21, four), 'bad'],
  ['version 1 in binary', binary(0x11, 0x11, four), 'bad'],
  ['a command that does not exist', binary(0x22, 0x11, four), 'bad'],
  [
    'as long as is allowed',
    binary(0x21, 0x11, Buffer.concat([four, Buffer.alloc(4068)])),
    { address: '192.0.2.1', port: 4701 },
  ],
  ['too long, and told so at once', binary(0x21, 0x11, four, 4081), 'bad'],
  ['not all of it', binary(0x21, 0x11, four.subarray(0, 5), 12), 'more'],
]

for (const [what, bytes, source] of binaries)
  test(`version 2: ${what}`, () => assert.deepEqual(sourceOf(readProxyHeader(bytes)), source))

const good = [
  ...lines
    .filter(([line, source]) => source !== 'bad' && source !== 'more' && line.endsWith('\n'))
    .map(([line]) => Buffer.from(line)),
  ...binaries.filter(([, , source]) => source !== 'bad' && source !== 'more').map(([, bytes]) => bytes),
]

test('property: until its last byte is there a header is never read, and what follows is never part of it', () => {
  fc.assert(
    fc.property(fc.constantFrom(...good), fc.uint8Array({ maxLength: 50 }), (header, after) => {
      const whole = readProxyHeader(header)
      assert.equal(whole.kind === 'header' && whole.length, header.length)
      for (let length = 0; length < header.length; length += 1 + Math.floor(header.length / 200))
        assert.equal(readProxyHeader(header.subarray(0, length)).kind, 'more')
      assert.deepEqual(readProxyHeader(Buffer.concat([header, after])), whole)
    }),
  )
})

const byte = fc.uint8Array({ maxLength: 6000 })
const begun = fc.tuple(
  fc.constantFrom(...good, Buffer.from('PROXY '), binary(0x21, 0x11, four, 0).subarray(0, 12)),
  byte,
)

test('property: any bytes have an answer, a whole header an address, and nobody waits for more than 4096 bytes', () => {
  const check = (bytes: Buffer) => {
    const header = readProxyHeader(bytes)
    if (header.kind === 'more') assert.ok(bytes.length < 4096)
    if (header.kind !== 'header') return
    assert.ok(header.length > 0 && header.length <= Math.min(bytes.length, 4096))
    if (header.source !== undefined) assert.notEqual(isIP(header.source.address), 0)
  }
  fc.assert(fc.property(byte, (bytes) => check(Buffer.from(bytes))))
  fc.assert(
    fc.property(begun, fc.nat(200), fc.nat(255), ([head, tail], at, flipped) => {
      const bytes = Buffer.concat([head, tail])
      if (at < head.length) bytes[at] = flipped
      check(bytes)
    }),
    { numRuns: 1000 },
  )
})

test('property: every address comes through as it was', () => {
  const port = fc.nat(65_535)
  fc.assert(
    fc.property(fc.ipV4(), port, (address, n) => {
      const bytes = Buffer.concat([Buffer.from(address.split('.').map(Number)), Buffer.alloc(8)])
      bytes.writeUInt16BE(n, 8)
      assert.deepEqual(sourceOf(readProxyHeader(binary(0x21, 0x11, bytes))), { address, port: n })
      assert.deepEqual(sourceOf(read(`PROXY TCP4 ${address} 192.0.2.1 ${n} 25\r\n`)), { address, port: n })
    }),
  )
})
