/**
 * Text from outside, made fit to be shown: one line, without controls, halves of characters, and signs that turn the direction
 * of text or cannot be seen. The joiners stay, for Persian and for emoji.
 */
const breaks = /[\p{Cc}\p{Zl}\p{Zp}]+/gu
const unseen = /[[\p{Cf}\ufffe\uffff]--[\u200c\u200d]]/gv

export function shown(text: string, maxChars: number): string {
  // Twice: what has to go may be much more than what stays.
  const bounded = text.slice(0, 4 * maxChars + 1000).toWellFormed()
  const line = bounded.replaceAll(breaks, ' ').replaceAll(unseen, '').trim()
  const chars = Array.from(line)
  return chars.length <= maxChars ? line : `${chars.slice(0, maxChars).join('')}...`
}

export function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}

/** The bytes that spell it in UTF-8, as a binary string. */
export function toBytes(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}
