/**
 * Reading DER, and BER as far as old exporters of PKCS #12 use it: indefinite lengths and strings in pieces (X.690 section 8).
 * What is not well formed has no elements, so a reader that follows a path ends up with nothing.
 */

/** `tag` is the whole identifier byte: class, constructed bit and number. `content` and `whole` (with its head) are views. */
export type Element = { readonly tag: number; readonly content: Buffer; readonly whole: Buffer }

export const tags = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, sequence: 0x30, set: 0x31 } as const
const constructed = 0x20
const maxDepth = 32

/** What stands in `bytes` one after another; [] when any of it is broken. */
export function elements(bytes: Buffer = Buffer.alloc(0)): readonly Element[] {
  const found: Element[] = []
  for (let here = 0; here < bytes.length; ) {
    const one = elementAt(bytes, here, maxDepth)
    if (one === undefined) return []
    found.push(one.element)
    here = one.next
  }
  return found
}

/** The elements inside one; [] of a primitive one. */
export function inside(element: Element | undefined): readonly Element[] {
  return element === undefined || (element.tag & constructed) === 0 ? [] : elements(element.content)
}

/** The element that is reached by going inside at these places. */
export function at(element: Element | undefined, ...places: readonly number[]): Element | undefined {
  return places.reduce<Element | undefined>((here, place) => inside(here)[place], element)
}

type Read = { readonly element: Element; readonly next: number }

function elementAt(bytes: Buffer, start: number, depth: number): Read | undefined {
  const [tag, first] = [bytes[start], bytes[start + 1]]
  // Tag numbers past 30 take more bytes and occur in nothing that is read here.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined
  if (first === 0x80) return (tag & constructed) === 0 || depth === 0 ? undefined : untilEnd(bytes, start, tag, depth)
  const more = first < 0x80 ? 0 : first & 0x7f
  if (more > 4 || start + 2 + more > bytes.length) return undefined
  const length = more === 0 ? first : bytes.readUIntBE(start + 2, more)
  const from = start + 2 + more
  if (length > bytes.length - from) return undefined
  return read(bytes, { tag, start, from, end: from + length, next: from + length })
}

/** X.690 section 8.1.3.6: of indefinite length, ended by two zero bytes. */
function untilEnd(bytes: Buffer, start: number, tag: number, depth: number): Read | undefined {
  const from = start + 2
  for (let here = from; ; ) {
    if (bytes[here] === 0 && bytes[here + 1] === 0) return read(bytes, { tag, start, from, end: here, next: here + 2 })
    const piece = elementAt(bytes, here, depth - 1)
    if (piece === undefined) return undefined
    here = piece.next
  }
}

type Bounds = {
  readonly tag: number
  readonly start: number
  readonly from: number
  readonly end: number
  readonly next: number
}

function read(bytes: Buffer, { tag, start, from, end, next }: Bounds): Read {
  return { element: { tag, content: bytes.subarray(from, end), whole: bytes.subarray(start, next) }, next }
}

/** A string of bytes, put together where it comes in pieces (X.690 section 8.7.3); no piece where they nest too deep. */
export function octets(element: Element | undefined, depth = maxDepth): Buffer {
  if (element === undefined || depth === 0) return Buffer.alloc(0)
  if ((element.tag & constructed) === 0) return element.content
  return Buffer.concat(inside(element).map((piece) => octets(piece, depth - 1)))
}

/** A whole number that is not negative. Infinity when no safe integer holds it; undefined when there is none. */
export function wholeNumber(element: Element | undefined): number | undefined {
  if (element?.tag !== tags.integer || element.content.length === 0) return undefined
  const hex = element.content.toString('hex').replace(/^(?:00)+(?=..)/, '')
  if ((element.content[0] ?? 0) >= 0x80) return undefined
  return hex.length > 12 ? Number.POSITIVE_INFINITY : Number.parseInt(hex, 16)
}

/** An object identifier in dotted form, '' when there is none. */
export function dotted(element: Element | undefined): string {
  if (element?.tag !== tags.oid) return ''
  const numbers: number[] = []
  let value = 0
  for (const byte of element.content) {
    value = value * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    numbers.push(value)
    value = 0
  }
  const [first = 0, ...rest] = numbers
  const top = Math.min(2, Math.floor(first / 40))
  return [top, first - top * 40, ...rest].join('.')
}
