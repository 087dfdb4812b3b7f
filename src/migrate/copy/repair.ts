/** What a target demands of a message's lines. Everything else stays byte for byte. */
import { type Content, headerEnd, type LargeContent } from '../mailbox/mailbox.ts'

/** Breaks lines beyond `maxLine` bytes; the same buffer when there is none. */
export function wrapLongLines(message: Buffer, maxLine: number): Buffer {
  if (!hasLongLine(message, maxLine)) return message
  const wrap = lineWrapper(maxLine)
  return Buffer.concat([...wrap.piece(message), ...wrap.end()])
}

export function hasLongLine(message: Buffer, maxLine: number): boolean {
  for (let at = 0; message.length - at > maxLine; ) {
    const lf = message.indexOf(0x0a, at)
    const end = lf < 0 ? message.length : lf
    if (end - at - (message[end - 1] === 0x0d ? 1 : 0) > maxLine) return true
    at = end + 1
  }
  return false
}

/** A content that is read through `make()`: once to know its size, which IMAP wants to know first, and then as often as it is sent. */
export async function rewritten(content: LargeContent, make: () => Rewriter): Promise<LargeContent> {
  async function* read(): AsyncIterable<Buffer> {
    const rewriter = make()
    for await (const piece of content.read()) yield* rewriter.piece(piece)
    yield* rewriter.end()
  }
  let size = 0
  for await (const piece of read()) size += piece.length
  return { size, read }
}

export type Rewriter = { piece(bytes: Buffer): readonly Buffer[]; end(): readonly Buffer[] }

/**
 * A header line is folded (RFC 5322 section 2.2.3) before white space if it has any, else by a space of its own. A line of
 * the body is broken behind a space, or where it is full: base64 does not mind, and text that was one line becomes several.
 */
export function lineWrapper(maxLine: number): Rewriter {
  let isHeader = true
  let line: Buffer = Buffer.alloc(0)
  const broken = (bytes: Buffer): readonly Buffer[] => {
    const out: Buffer[] = []
    let rest = bytes
    while (lineLength(rest) > maxLine) {
      const at = isHeader ? foldAt(rest, maxLine) : breakAt(rest, maxLine)
      out.push(rest.subarray(0, at), crlf)
      rest = rest.subarray(at)
      // A continuation line begins with white space.
      if (isHeader && rest[0] !== space && rest[0] !== tab) rest = Buffer.concat([oneSpace, rest])
    }
    out.push(rest)
    return out
  }
  return {
    piece: (bytes) => {
      const out: Buffer[] = []
      let at = 0
      for (let lf = bytes.indexOf(0x0a); lf >= 0; lf = bytes.indexOf(0x0a, at)) {
        const whole = joined(line, bytes.subarray(at, lf + 1))
        out.push(...broken(whole))
        if (lineLength(whole) === 0) isHeader = false
        line = Buffer.alloc(0)
        at = lf + 1
      }
      line = joined(line, bytes.subarray(at))
      // What is full goes out, so that a line without an end is never held.
      if (line.length > 2 * maxLine) {
        const parts = broken(line)
        line = parts.at(-1) ?? Buffer.alloc(0)
        out.push(...parts.slice(0, -1))
      }
      return out
    },
    end: () => broken(line),
  }
}

const crlf = Buffer.from('\r\n')
const oneSpace = Buffer.from(' ')
const space = 0x20
const tab = 0x09

function joined(a: Buffer, b: Buffer): Buffer {
  return a.length === 0 ? b : b.length === 0 ? a : Buffer.concat([a, b])
}

/** Without its end. */
function lineLength(line: Buffer): number {
  if (line.at(-1) !== 0x0a) return line.length
  return line.length - (line.at(-2) === 0x0d ? 2 : 1)
}

function foldAt(line: Buffer, maxLine: number): number {
  for (let at = maxLine; at > 1; at -= 1) {
    // Not where one of both would be white space only: such a line some take for the end of the header.
    const isFold = line[at] === space || line[at] === tab
    if (isFold && !isWhite(line.subarray(0, at)) && !isWhite(line.subarray(at))) return at
  }
  return wholeCharacters(line, maxLine - 1)
}

function isWhite(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === space || byte === tab || byte === 0x0d || byte === 0x0a)
}

function breakAt(line: Buffer, maxLine: number): number {
  const near = line.subarray(0, maxLine).lastIndexOf(space)
  return near > maxLine / 2 ? near + 1 : wholeCharacters(line, maxLine)
}

/** Not in the middle of a UTF-8 character. */
function wholeCharacters(line: Buffer, most: number): number {
  let at = most
  while (at > most - 4 && ((line[at] ?? 0) & 0xc0) === 0x80) at -= 1
  return ((line[at] ?? 0) & 0xc0) === 0x80 ? most : at
}

const receipt = /^disposition-notification-to(?=[ \t]*:)/gim

/** The field that asks for a read receipt is renamed: mail that was read long ago is not answered a second time. */
export function disarmed(message: Buffer): Buffer {
  const end = headerEnd(message)
  const header = message.toString('latin1', 0, end)
  const changed = header.replace(receipt, 'X-$&')
  if (changed === header) return message
  return Buffer.concat([Buffer.from(changed, 'latin1'), message.subarray(end)])
}

/** For a large one: the header is gathered, up to what any header is. */
export function disarmer(): Rewriter {
  let head: Buffer | undefined = Buffer.alloc(0)
  const most = 256 * 1024
  return {
    piece: (bytes) => {
      if (head === undefined) return [bytes]
      head = joined(head, bytes)
      if (headerEnd(head) === head.length && head.length < most) return []
      const out = disarmed(head)
      head = undefined
      return [out]
    },
    end: () => (head === undefined ? [] : [disarmed(head)]),
  }
}

/** The first bytes: all of the header, or as much as fits. */
export async function headOf(content: Content, most = 256 * 1024): Promise<Buffer> {
  if (Buffer.isBuffer(content)) return content.subarray(0, Math.min(headerEnd(content), most))
  let head: Buffer = Buffer.alloc(0)
  for await (const piece of content.read()) {
    head = joined(head, piece)
    const end = headerEnd(head)
    if (end < head.length || head.length >= most) return head.subarray(0, Math.min(end, most))
  }
  return head
}

/** RFC 5322 section 2.2: a field's name, white space as it was once allowed, a colon; or a continuation line. */
const headerLine = /^(?:[!-9;-~]+[ \t]*:|[ \t])/

/** With an empty line before the first line of the header that is no field; the same buffer when all are. */
export function headerEnded(message: Buffer): Buffer {
  const end = headerEnd(message)
  const header = message.toString('latin1', 0, end)
  for (let at = 0; at < header.length; ) {
    const lf = header.indexOf('\n', at)
    const next = lf < 0 ? header.length : lf + 1
    const isField = headerLine.test(header.slice(at, Math.min(next, at + 1000)))
    if (!isField || (at === 0 && /^[ \t]/.test(header))) {
      return Buffer.concat([message.subarray(0, at), crlf, message.subarray(at)])
    }
    at = next
  }
  return message
}
