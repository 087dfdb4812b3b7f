import type { Reply } from './reply.ts'

// RFC 5321 section 4.5.3.1.5, with the CRLF.
const maxLineBytes = 512
// Room on one line behind 'NNN 5.123.123 '.
const maxLineText = maxLineBytes - '\r\n'.length - 'NNN 5.123.123 '.length
// What another server may make us remember of one reply. EHLO answers of large systems have about twenty lines.
const maxLines = 100

/** The reply as it is sent: 'NNN-...\r\nNNN ...\r\n' (RFC 5321 section 4.2.1), the enhanced code on each line (RFC 2034). */
export function replyLines(r: Reply): string {
  const prefix = r.enhanced === '' ? '' : `${r.enhanced} `
  const lines = r.text.split('\n').flatMap(wrap)
  return lines.map((line, at) => `${r.code}${at < lines.length - 1 ? '-' : ' '}${prefix}${line}\r\n`).join('')
}

function wrap(line: string): string[] {
  const text = cleanText(line, Number.POSITIVE_INFINITY)
  const pieces = [text.slice(0, maxLineText)]
  for (let at = maxLineText; at < text.length; at += maxLineText) pieces.push(text.slice(at, at + maxLineText))
  return pieces
}

const REPLY_LINE = /^([2-5][0-9]{2})(?:[ -](.*))?$/s
const ENHANCED = /^([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)/

/**
 * Reads the lines of one reply, without their line ends. Code 0 when the last one is no reply line: the caller treats
 * that as a broken server. The text is cleaned and bounded.
 */
export function parseReply(lines: readonly string[]): Reply {
  const kept = lines.slice(0, maxLines)
  const last = REPLY_LINE.exec(lines.at(-1) ?? '')
  if (!last?.[1]) return { code: 0, enhanced: '', text: kept.map((line) => cleanText(line)).join('\n') }
  const texts = kept.map((line) => REPLY_LINE.exec(line)?.[2] ?? '')
  const enhanced = enhancedCode(last[2] ?? '', last[1])
  const own = texts.map((text) =>
    cleanText(enhanced !== '' && text.startsWith(enhanced) ? text.slice(enhanced.length + 1) : text),
  )
  return { code: Number(last[1]), enhanced, text: own.join('\n') }
}

/** RFC 2034 section 4: its class must be that of the code, otherwise it is only text. */
function enhancedCode(text: string, code: string): string {
  const found = ENHANCED.exec(text)?.[1] ?? ''
  return found[0] === code[0] ? found : ''
}

/**
 * Text of another server made fit for a log, a reply or a report: one line of printable ASCII of about `max` characters. Line ends
 * become spaces, everything else is written as \x07 or \u{e9}.
 */
export function cleanText(s: string, max = 500): string {
  const cut = s.length > max ? `${s.slice(0, max)}...` : s
  return cut.replace(/\r?\n/g, ' ').replace(/[^ -~]/gu, escaped)
}

function escaped(c: string): string {
  const code = c.codePointAt(0) ?? 0
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}
