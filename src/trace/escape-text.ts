/** Text that a stranger wrote, made safe to show in a terminal, a log line or a table. */

/**
 * Control characters (C0, C1, DEL: line ends, ANSI sequences), format characters (bidi overrides, zero width, tags),
 * line and paragraph separators, and half surrogate pairs.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Each of them becomes \uXXXX or \u{XXXXX}; everything else stays as it is. */
export function escapeText(text: string): string {
  return text.replace(unsafe, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16)
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`
  })
}
