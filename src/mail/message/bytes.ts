import { isAscii } from 'node:buffer'

const LF = 0x0a
const CR = 0x0d

// A scan of a string in the regular expression engine is three times as fast as any loop over bytes or lines in
// JavaScript, as long as lines have a usual length; where line ends stand in crowds the loop is faster. By windows, so that
// a large message is never copied whole.
const windowBytes = 64 * 1024
const BARE = /\r(?!\n)|(?<!\r)\n|\0/
const BARE_CR_OR_LF = /\r(?!\n)|(?<!\r)\n/g

/** True when there is a CR without LF behind it, an LF without CR before it, or a NUL (RFC 5321 section 2.3.8, RFC 5322 section 4). */
export function hasBareLineEnds(b: Buffer): boolean {
  let start = 0
  while (start < b.length) {
    const end = windowEnd(b, start)
    if (isCrowded(b, start) ? hasBareByte(b, start, end) : BARE.test(b.toString('latin1', start, end))) return true
    start = end
  }
  return false
}

/** Do the lines at the beginning of this window have less than some twenty bytes? */
function isCrowded(b: Buffer, start: number): boolean {
  let lines = 0
  for (let at = start; at < start + sampleBytes; at++) if (b[at] === LF) lines++
  return lines > sampleBytes / 20
}
const sampleBytes = 256

function hasBareByte(b: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = b[at] ?? 0
    if (byte > CR) continue
    if (byte === CR && b[at + 1] === LF) at++
    else if (byte === CR || byte === LF || byte === 0) return true
  }
  return false
}

/** A CR and what stands behind it are never parted. */
function windowEnd(b: Buffer, start: number): number {
  const end = Math.min(start + windowBytes, b.length)
  return b[end - 1] === CR && end < b.length ? end + 1 : end
}

/**
 * The bytes with each CR or LF that stands alone made a CRLF and without NUL; the same buffer when there is none of them. One copy, made
 * window by window.
 */
export function normaliseLineEnds(b: Buffer): Buffer {
  if (!hasBareLineEnds(b)) return b
  // No byte becomes more than two, and memory that nobody writes to is not taken from the machine.
  const out = Buffer.allocUnsafe(b.length * 2)
  let written = 0
  let carried = ''
  for (let start = 0; start < b.length; start += windowBytes) {
    const end = start + windowBytes
    const text = carried + b.toString('latin1', start, end).replaceAll('\0', '')
    // What follows the CR may be its LF.
    carried = end < b.length && text.endsWith('\r') ? '\r' : ''
    const whole = carried === '' ? text : text.slice(0, -1)
    written += out.write(whole.replace(BARE_CR_OR_LF, '\r\n'), written, 'latin1')
  }
  return out.subarray(0, written)
}

/** True when a byte is above 127: the message needs 8BITMIME (RFC 6152). */
export function is8bit(b: Buffer): boolean {
  return !isAscii(b)
}
