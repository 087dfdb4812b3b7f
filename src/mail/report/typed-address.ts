/** The value of Original-Recipient and Final-Recipient: `type;address` (RFC 3464 section 2.3, RFC 6533 section 3). */
import { escapeText, unescapeText } from './recipient.ts'
import { isAscii, shown } from './shown.ts'

/** More than an envelope can hold, escaped; a field of a report is one line of 998 bytes. */
const maxBytes = 960

/** The type rfc822 where the address is ASCII; utf-8 otherwise, escaped where the report may hold ASCII only. */
export function typedAddress(address: string, utf8: boolean): string {
  const bounded = withinBytes(address.toWellFormed())
  if (isPrintable(bounded)) return `rfc822;${bounded}`
  return `utf-8;${utf8 ? escapeUnseen(bounded) : withinBytes(escapeText(bounded))}`
}

/** What stood in ORCPT, decoded, as it was given; undefined when it is none. */
export function typedAsGiven(typed: string, utf8: boolean): string | undefined {
  const [, type, address = ''] = /^([\w-]{1,40});(.+)$/s.exec(typed.toWellFormed()) ?? []
  if (type === undefined) return undefined
  // RFC 6533 section 4: an escaped address is written in UTF-8 where the report may hold it.
  if (type.toLowerCase() === 'utf-8' && !isPrintable(unescapeText(address)))
    return typedAddress(unescapeText(address), utf8)
  const bounded = withinBytes(address)
  return `${type};${isPrintable(bounded) ? bounded : withinBytes(escapeText(bounded))}`
}

function isPrintable(text: string): boolean {
  return /^[ -~]*$/.test(text)
}

/** What would break the line or deceive the eye is escaped even where UTF-8 may stand, and so is what begins an escape. */
function escapeUnseen(text: string): string {
  const mayStand = (c: string): boolean => c === ' ' || (c !== '\\' && c === shown(c, 1))
  return withinBytes(Array.from(text, (c) => (mayStand(c) ? c : escapeText(c))).join(''))
}

function withinBytes(text: string): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  if (isAscii(text)) return text.slice(0, maxBytes)
  let kept = ''
  let bytes = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxBytes) break
    kept += character
  }
  return kept
}
