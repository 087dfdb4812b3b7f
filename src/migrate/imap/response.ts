import type { Frame } from './response-reader.ts'

/** `[APPENDUID 1 2]`: name in upper case, and what stands behind it as it came. */
export type Code = { readonly name: string; readonly args: string }

export type Status = 'OK' | 'NO' | 'BAD' | 'BYE' | 'PREAUTH'
export type Words = { readonly code?: Code; readonly text: string }

/** A response by its first words (RFC 9051 section 7). */
export type Response =
  | { readonly kind: 'continue'; readonly text: string }
  | ({ readonly kind: 'tagged'; readonly tag: string; readonly status: 'OK' | 'NO' | 'BAD' } & Words)
  | ({ readonly kind: 'status'; readonly status: Status } & Words)
  | Data
  | { readonly kind: 'nonsense'; readonly text: string }

/** `* 12 FETCH ...`, `* LIST ...`: what is behind the name begins at `at` of the frame's first text. */
export type Data = {
  readonly kind: 'data'
  readonly name: string
  readonly number?: number
  readonly frame: Frame
  readonly at: number
}

const dataLine = /^\* (?:(\d{1,10}) +)?([A-Za-z][\w.-]*)(?: +|$)/
// QUIRK: nothing at all may stand behind OK; Gmail leaves the text out.
const taggedLine = /^([A-Za-z0-9]+) (OK|NO|BAD)(?: +|$)/i

export function readResponse(frame: Frame): Response {
  const [text] = frame
  if (text.startsWith('+')) return { kind: 'continue', text: text.slice(1).trimStart() }
  return text.startsWith('* ') ? untagged(frame) : tagged(text)
}

function untagged(frame: Frame): Response {
  const [text] = frame
  const found = dataLine.exec(text)
  if (found === null) return { kind: 'nonsense', text }
  const name = (found[2] ?? '').toUpperCase()
  const at = found[0].length
  if (found[1] !== undefined) return { kind: 'data', name, number: Number(found[1]), frame, at }
  const status = statuses.get(name)
  return status === undefined ? { kind: 'data', name, frame, at } : { kind: 'status', status, ...words(text.slice(at)) }
}

function tagged(text: string): Response {
  const found = taggedLine.exec(text)
  const status = statuses.get((found?.[2] ?? '').toUpperCase())
  if (found?.[1] === undefined || (status !== 'OK' && status !== 'NO' && status !== 'BAD'))
    return { kind: 'nonsense', text }
  return { kind: 'tagged', tag: found[1], status, ...words(text.slice(found[0].length)) }
}

const statuses: ReadonlyMap<string, Status> = new Map(
  (['OK', 'NO', 'BAD', 'BYE', 'PREAUTH'] as const).map((status) => [status, status]),
)

/** RFC 9051 section 9, resp-text: a code in brackets, then words for people. */
function words(text: string): Words {
  if (!text.startsWith('[')) return { text }
  const name = /^\[([^\s\]]+)/.exec(text)?.[1]?.toUpperCase()
  if (name === undefined) return { text }
  // A keyword may hold a bracket, so that the list of flags ends with its parenthesis.
  const end = name === 'PERMANENTFLAGS' ? text.indexOf(')]') + 1 : text.indexOf(']')
  if (end <= 0) return { text }
  return { code: { name, args: text.slice(1 + name.length, end).trim() }, text: text.slice(end + 1).trimStart() }
}
