/** Reads a message off the wire without holding it: dots are taken away, and what follows the ledger's field is digested. */
import { createHash } from 'node:crypto'
import { ledgerField } from './ledger.ts'

export type Content = {
  /** undefined: the message goes on. Otherwise it is over, and this is what came behind it. */
  read(chunk: Buffer): Buffer | undefined
  /** '' when it has no field of the ledger's. */
  id(): string
  digest(): string
  /** Its first bytes, as many as were worth keeping. */
  readonly beginning: () => string
}

const lineDot = Buffer.from('\r\n.')
const lineEnd = Buffer.from('\r\n')
const mark = Buffer.from(`\r\n${ledgerField}: `)
/** The field of the ledger stands below the few that were added; a report about a long list of recipients may be long. */
const keptBytes = 4 * 1024 * 1024

export function readContent(): Content {
  const hash = createHash('sha256')
  const kept: Buffer[] = []
  let keptLength = 0
  // The line end of the DATA command counts as the first one: a dot may come at once.
  let held: Buffer = lineEnd
  let id: string | undefined
  const keep = (part: Buffer): void => {
    if (id !== undefined) hash.update(part)
    if (keptLength >= keptBytes) return
    kept.push(part)
    keptLength += part.length
    if (id !== undefined) return
    const all = kept.length === 1 ? (kept[0] ?? part) : Buffer.concat(kept)
    kept.splice(0, kept.length, all)
    const at = all.indexOf(mark)
    const end = at < 0 ? -1 : all.indexOf(lineEnd, at + mark.length)
    if (end < 0) return
    id = all.toString('latin1', at + mark.length, end)
    hash.update(all.subarray(at + lineEnd.length))
  }
  return {
    read(chunk) {
      const bytes = Buffer.concat([held, chunk])
      const { text, next, end } = undot(bytes)
      keep(text)
      held = bytes.subarray(next)
      return end === undefined ? undefined : bytes.subarray(end)
    },
    id: () => id ?? '',
    digest: () => hash.copy().digest('base64url'),
    beginning: () => Buffer.concat(kept).toString('latin1', lineEnd.length),
  }
}

/** RFC 5321 section 4.5.2. `next`: what cannot be judged yet begins there; `end`: the message is over there. */
function undot(bytes: Buffer): { readonly text: Buffer; readonly next: number; readonly end?: number } {
  const text = Buffer.allocUnsafe(bytes.length)
  let length = 0
  let from = 0
  const take = (to: number): void => {
    length += bytes.copy(text, length, from, to)
    from = to
  }
  for (;;) {
    const at = bytes.indexOf(lineDot, from)
    // The first line end belongs to the content, the dot behind it does not.
    if (at < 0 || bytes.length < at + 5) {
      take(at < 0 ? Math.max(from, bytes.length - 2) : at)
      return { text: text.subarray(0, length), next: from }
    }
    take(at + 2)
    if (bytes[at + 3] === 13 && bytes[at + 4] === 10)
      return { text: text.subarray(0, length), next: bytes.length, end: at + 5 }
    from = at + 3
  }
}
