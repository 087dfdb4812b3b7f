import type { Offers } from './attempt.ts'

export const offersNothing: Offers = {
  pipelining: false,
  chunking: false,
  binaryMime: false,
  eightBitMime: false,
  smtputf8: false,
  dsn: false,
  startTls: false,
  sizeOffered: false,
  size: 0,
}

/** What the lines of an EHLO reply offer (RFC 5321 section 4.1.1.1); the first line is only a name. */
export function readOffers(lines: readonly string[]): Offers {
  const words = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const [keyword = '', value = ''] = line.slice(4).trim().split(/[ =]+/)
    words.set(keyword.toUpperCase(), value)
  }
  return {
    pipelining: words.has('PIPELINING'),
    chunking: words.has('CHUNKING'),
    binaryMime: words.has('BINARYMIME'),
    eightBitMime: words.has('8BITMIME'),
    smtputf8: words.has('SMTPUTF8'),
    dsn: words.has('DSN'),
    startTls: words.has('STARTTLS'),
    sizeOffered: words.has('SIZE'),
    size: sizeLimit(words.get('SIZE') ?? ''),
  }
}

/** RFC 1870 section 3: 0 or nothing means that no limit is told. */
function sizeLimit(value: string): number {
  return /^\d{1,15}$/.test(value) ? Number(value) : 0
}
