import { type Content, contentLength, hasBareLineEnds, is8bit } from '../../mail/message/message.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Attempt, Offers } from './attempt.ts'

const CR = 0x0d
const LF = 0x0a

/** BDAT for what came by BDAT, where the hop takes it; binary content has no other way (RFC 3030 sections 2 and 3). */
export function goesByBdat(a: Attempt, offers: Offers): boolean {
  return offers.chunking && (a.via === 'BDAT' || a.body === 'BINARYMIME')
}

/**
 * Why the hop cannot be given this message, as the reply that it deserves; undefined when it can. Converting it instead
 * would break its signatures (RFC 6152 section 3, RFC 6531 section 3.5): it leaves as it is or not at all.
 */
export function unfit(a: Attempt, offers: Offers): Reply | undefined {
  if (a.body === 'BINARYMIME' && !(offers.binaryMime && offers.chunking)) return replies.nextHopLacksBinary()
  if (a.body === '8BITMIME' && !offers.eightBitMime && a.content.some(is8bit)) return replies.nextHopLacks8bit()
  if (!offers.smtputf8 && needsSmtputf8(a)) return replies.nextHopLacksSmtputf8()
  if (offers.size > 0 && contentLength(a.content) > offers.size) return replies.tooLarge()
  return undefined
}

/** Asked for with MAIL and needed: a sender's client may ask for it with every message. */
function needsSmtputf8(a: Attempt): boolean {
  return !isAsciiText(a.mailFrom) || (a.smtputf8 && a.content.some(is8bit) && is8bit(headerOf(a.content)))
}

export function isAsciiText(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}

function headerOf(content: Content): Buffer {
  const whole = content.length === 1 && content[0] !== undefined ? content[0] : Buffer.concat(content)
  const end = whole.indexOf('\r\n\r\n')
  return end === -1 ? whole : whole.subarray(0, end)
}

/**
 * What must never leave by DATA: servers differ on where such a message ends (SMTP smuggling). Our own stages see to it
 * before; at the border it is looked at once more.
 */
export function mayNotGoByData(content: Content): boolean {
  const pieces = content.filter((piece) => piece.length > 0)
  return pieces.some((piece, at) => hasBareLineEnds(piece) && hasBareLineEnds(withoutParted(pieces, piece, at)))
}

/** The piece without those halves of a CRLF whose other half stands in the piece beside it. */
function withoutParted(pieces: Content, piece: Buffer, at: number): Buffer {
  const isBehindCr = piece[0] === LF && pieces[at - 1]?.at(-1) === CR
  const isBeforeLf = piece.at(-1) === CR && pieces[at + 1]?.[0] === LF
  return piece.subarray(isBehindCr ? 1 : 0, isBeforeLf ? -1 : piece.length)
}

/** An envelope address that cannot be written into a command. */
export function isUnspeakable(address: string): boolean {
  return /[\0-\x1f\x7f]/.test(address)
}
