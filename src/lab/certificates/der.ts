/** The little of DER (X.690) that a certificate is made of. */

export function raw(tag: number, content: Buffer): Buffer {
  const n = content.length
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

export function sequence(...items: readonly Buffer[]): Buffer {
  return raw(0x30, Buffer.concat(items))
}

export function set(...items: readonly Buffer[]): Buffer {
  return raw(0x31, Buffer.concat(items))
}

/** Constructed, explicit [n]. */
export function context(n: number, item: Buffer): Buffer {
  return raw(0xa0 + n, item)
}

/** Unsigned big-endian bytes; the first one must be below 0x80. */
export function integer(bytes: Buffer): Buffer {
  return raw(0x02, bytes)
}

export function truth(value: boolean): Buffer {
  return raw(0x01, Buffer.from([value ? 0xff : 0]))
}

export function octets(bytes: Buffer): Buffer {
  return raw(0x04, bytes)
}

export function bits(bytes: Buffer, unused: number): Buffer {
  return raw(0x03, Buffer.concat([Buffer.from([unused]), bytes]))
}

export function text(value: string): Buffer {
  return raw(0x0c, Buffer.from(value, 'utf8'))
}

/** UTCTime, good until 2049. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+Z$|[-:T]/g, '')
  return raw(0x17, Buffer.from(`${digits.slice(2)}Z`, 'latin1'))
}

/** Object identifier from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return raw(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(n: number): number[] {
  const digits = [n & 127]
  for (let rest = n >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 127) | 128)
  return digits
}
