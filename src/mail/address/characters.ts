import { isUtf8 } from 'node:buffer'

/** Characters of an atom in a binary string: atext of RFC 5322 section 3.2.3, and every byte of UTF-8 (RFC 6532 section 3.2). */
export const isAtomByte: readonly boolean[] = Array.from({ length: 256 }, (_, byte) => {
  return byte >= 0x80 || /[\w!#$%&'*+\-/=?^`{|}~]/.test(String.fromCharCode(byte))
})

/** Space, tab, printable ASCII, and bytes of UTF-8: what may stand in quotes and comments. CR and LF are for folding only. */
export function isTextByte(code: number): boolean {
  return (code >= 0x20 && code !== 0x7f && code <= 0xff) || code === 0x09
}

/** True when every character is below 128. */
export function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}

// Controls, line and paragraph separators, marks that turn the direction of text or cannot be seen, halves of
// surrogate pairs, and the sign that a decoder writes for bytes it could not read: nobody can tell such an address from another.
const UNSEEN = /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd\p{Cs}]/u

/** True when an address with this text would look to a human like another one, or breaks lines. */
export function hasUnseen(text: string): boolean {
  return UNSEEN.test(text)
}

/** The Unicode text that these bytes spell in UTF-8; undefined when they spell none. */
export function fromBytes(binary: string): string | undefined {
  if (isAscii(binary)) return binary
  const bytes = Buffer.from(binary, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/** The bytes that spell this text in UTF-8, as a binary string. */
export function toBytes(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}
