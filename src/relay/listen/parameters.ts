/**
 * The arguments of MAIL and RCPT: the path in its brackets and the ESMTP parameters behind it
 * (RFC 5321 section 4.1.1.2, 4.1.1.3, 4.1.2; the parameters by RFC 1870, 3461, 4954, 6152, 6531).
 */
import type { BodyType } from './backend.ts'

export type Argument = { readonly path: string; readonly parameters: string }

/**
 * Takes `FROM:<path> parameters` or `TO:<path> parameters` apart; undefined: it is not that.
 * QUIRK: blanks between the colon and the bracket are let pass. RFC 5321 section 3.3 forbids them, scanners and scripts send them.
 */
export function splitArgument(argument: string, keyword: 'FROM:' | 'TO:'): Argument | undefined {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return undefined
  let open = keyword.length
  while (argument[open] === ' ') open++
  if (argument[open] !== '<') return undefined
  const close = closingBracket(argument, open + 1)
  if (close < 0) return undefined
  const rest = argument.slice(close + 1)
  if (rest !== '' && rest[0] !== ' ') return undefined
  return { path: argument.slice(open + 1, close), parameters: rest.trim() }
}

/** The first `>` outside a quoted string. */
function closingBracket(text: string, from: number): number {
  let quoted = false
  for (let i = from; i < text.length; i++) {
    const c = text[i]
    if (quoted && c === '\\') i++
    else if (c === '"') quoted = !quoted
    else if (c === '>' && !quoted) return i
  }
  return -1
}

/** What a parameter breaks: `unknown` keyword or value that we do not offer, `syntax`, `tooBig`. */
export type Fault = { readonly fault: 'unknown' | 'syntax' | 'tooBig'; readonly parameter: string }

type Given = { readonly keyword: string; readonly value: string | undefined }

const keywordShape = /^[A-Z0-9][A-Z0-9-]*$/
/** esmtp-value: anything but `=`, blanks and controls; beyond ASCII by RFC 6533 section 3. */
const valueShape = /^[!-<>-~\u0080-\u{10ffff}]+$/u

/** Splits and checks the shape; a keyword may stand once only. */
function readParameters(text: string): readonly Given[] | Fault {
  if (text === '') return []
  const given: Given[] = []
  for (const word of text.split(/ +/)) {
    const equals = word.indexOf('=')
    const keyword = (equals < 0 ? word : word.slice(0, equals)).toUpperCase()
    const value = equals < 0 ? undefined : word.slice(equals + 1)
    const repeated = given.some((g) => g.keyword === keyword)
    if (repeated || !keywordShape.test(keyword)) return { fault: 'syntax', parameter: keyword }
    if (value !== undefined && !valueShape.test(value)) return { fault: 'syntax', parameter: keyword }
    given.push({ keyword, value })
  }
  return given
}

type Draft<T> = { -readonly [K in keyof T]: T[K] }
/** Puts one parameter into the draft; says what is wrong with it. */
type Take<T> = (value: string, into: Draft<T>) => Fault['fault'] | undefined

function take<T>(text: string, known: ReadonlyMap<string, Take<T>>, into: Draft<T>): T | Fault {
  const given = readParameters(text)
  if ('fault' in given) return given
  for (const { keyword, value } of given) {
    const reader = known.get(keyword)
    const fault = reader === undefined ? 'unknown' : reader(value ?? '', into)
    if (fault !== undefined) return { fault, parameter: keyword }
  }
  return into
}

export type MailParameters = {
  readonly size?: number
  readonly body: BodyType
  readonly smtputf8: boolean
  readonly ret?: 'FULL' | 'HDRS'
  readonly envid?: string
}

/** xtext, RFC 3461 section 4: printable ASCII, `+` and `=` only as `+HH`. */
const xtext = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/

function sizeUpTo(maxBytes: number): Take<MailParameters> {
  return (value, into) => {
    if (!/^[0-9]{1,20}$/.test(value)) return 'syntax' // RFC 1870 section 3: up to 20 digits
    into.size = Number(value)
    return into.size > maxBytes ? 'tooBig' : undefined
  }
}

const body: Take<MailParameters> = (value, into) => {
  const wanted = value.toUpperCase()
  // BINARYMIME is not offered: whether the next hop takes it is known too late to keep the promise (RFC 3030 section 3).
  if (wanted !== '7BIT' && wanted !== '8BITMIME') return wanted === 'BINARYMIME' ? 'unknown' : 'syntax'
  into.body = wanted
  return undefined
}

const smtputf8: Take<MailParameters> = (value, into) => {
  into.smtputf8 = true
  return value === '' ? undefined : 'syntax'
}

const ret: Take<MailParameters> = (value, into) => {
  const wanted = value.toUpperCase()
  if (wanted !== 'FULL' && wanted !== 'HDRS') return 'syntax'
  into.ret = wanted
  return undefined
}

const envid: Take<MailParameters> = (value, into) => {
  if (value === '' || value.length > 100 || !xtext.test(value)) return 'syntax'
  into.envid = value
  return undefined
}

/** RFC 4954 section 5. AUTH is not offered; a relay that says `<>` anyway has said nothing. */
const auth: Take<MailParameters> = (value) =>
  value === '<>' || (value !== '' && xtext.test(value)) ? undefined : 'syntax'

export function mailParameters(text: string, maxBytes: number): MailParameters | Fault {
  const known = new Map([
    ['SIZE', sizeUpTo(maxBytes)],
    ['BODY', body],
    ['SMTPUTF8', smtputf8],
    ['RET', ret],
    ['ENVID', envid],
    ['AUTH', auth],
  ])
  return take<MailParameters>(text, known, { body: '7BIT', smtputf8: false })
}

export type RcptParameters = { readonly notify?: string; readonly orcpt?: string }

/** RFC 3461 section 4.1: NEVER alone, or a list of the others, each once. */
const notify: Take<RcptParameters> = (value, into) => {
  const words = value.toUpperCase().split(',')
  const isNever = words.length === 1 && words[0] === 'NEVER'
  const isList = words.every((w) => w === 'SUCCESS' || w === 'FAILURE' || w === 'DELAY')
  if (!isNever && !(isList && new Set(words).size === words.length)) return 'syntax'
  into.notify = words.join(',')
  return undefined
}

/** RFC 3461 section 4.2: address type, semicolon, xtext; raw UTF-8 only for the type `utf-8` (RFC 6533 section 3). */
const orcpt: Take<RcptParameters> = (value, into) => {
  const semicolon = value.indexOf(';')
  const type = value.slice(0, semicolon)
  const address = value.slice(semicolon + 1)
  if (semicolon < 1 || value.length > 500 || address === '' || !/^[A-Za-z0-9-]+$/.test(type)) return 'syntax'
  const plain = type.toLowerCase() === 'utf-8' ? address.replaceAll(/[\u0080-\u{10ffff}]/gu, '') : address
  if (!xtext.test(plain)) return 'syntax'
  into.orcpt = value
  return undefined
}

const rcptKnown: ReadonlyMap<string, Take<RcptParameters>> = new Map([
  ['NOTIFY', notify],
  ['ORCPT', orcpt],
])

export function rcptParameters(text: string): RcptParameters | Fault {
  return take<RcptParameters>(text, rcptKnown, {})
}
