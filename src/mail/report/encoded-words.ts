/** Encoded words (RFC 2047) of unstructured fields, read for people and written again. */
import { isUtf8 } from 'node:buffer'
import { isAscii } from './shown.ts'

/** What a person would see. Takes a binary string, unfolded; a word in an unknown charset stays as it is. Linear time. */
export function decodeWords(value: string): string {
  const bytes = Buffer.from(value, 'latin1')
  const text = isUtf8(bytes) ? bytes.toString('utf8') : value
  // RFC 2047 section 6.2: white space between two words is not shown.
  const joined = text.replaceAll(/\?=\s+=\?/g, '?==?')
  return joined.replaceAll(/(?:=\?[^?\s]{1,60}\?[bq]\?[^?\s]*\?=)+/gi, decodeRun)
}

/** QUIRK: programs cut a character in two between encoded words of one charset, so these are decoded as one. */
function decodeRun(run: string): string {
  const pieces: { readonly charset: string; readonly words: string[]; readonly bytes: Buffer[] }[] = []
  for (const [word, label = '', kind = '', text = ''] of run.matchAll(/=\?([^?]+)\?([bq])\?([^?]*)\?=/gi)) {
    // RFC 2231 section 5: a language may stand behind the charset.
    const charset = label.replace(/\*.*$/, '').toLowerCase()
    const last = pieces.at(-1)
    const piece = last?.charset === charset ? last : { charset, words: [], bytes: [] }
    if (piece !== last) pieces.push(piece)
    piece.words.push(word)
    piece.bytes.push(wordBytes(kind, text))
  }
  return pieces.map(({ charset, words, bytes }) => decode(charset, Buffer.concat(bytes)) ?? words.join(' ')).join('')
}

function wordBytes(kind: string, text: string): Buffer {
  if (kind.toLowerCase() === 'b') return Buffer.from(text, 'base64')
  const quoted = text.replaceAll('_', ' ')
  const bytes = quoted.replaceAll(/=([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  return Buffer.from(bytes, 'latin1')
}

function decode(charset: string, bytes: Buffer): string | undefined {
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return undefined // No charset of that name.
  }
}

/** RFC 2047 section 2: a word has 75 characters at most. 45 bytes are 60 in base64. */
const maxWordBytes = 45

/** Text as it is when no reader can take it for more, in encoded words otherwise. ASCII. */
export function encodeWords(text: string): string {
  if (isAscii(text) && !text.includes('=?')) return text
  const words: string[] = []
  let word = ''
  for (const character of text) {
    if (Buffer.byteLength(word + character) > maxWordBytes) {
      words.push(word)
      word = ''
    }
    word += character
  }
  return [...words, word].map((w) => `=?UTF-8?B?${Buffer.from(w).toString('base64')}?=`).join(' ')
}
