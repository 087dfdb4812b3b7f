/** A message of the source as it is given to the target. */
import { normaliseLineEnds } from '../../mail/message/message.ts'
import {
  type Content,
  canonicalFlags,
  type Fetched,
  hasFlag,
  isKeyword,
  type NewMessage,
  type Traits,
} from '../mailbox/mailbox.ts'
import { digestOf } from './digest.ts'
import { disarmed, disarmer, headerEnded, headOf, lineWrapper, rewritten, wrapLongLines } from './repair.ts'

export type Prepared = {
  readonly message: NewMessage
  readonly size: number
  /** 16 bytes; absent for large ones. */
  readonly digest?: Buffer
  /** Flags that the target has when it has taken the message. */
  readonly sentFlags: readonly string[]
  /** What was changed, in words. */
  readonly repairs: readonly string[]
}

export type PrepareFor = { readonly traits: Traits; readonly takes: (keyword: string) => boolean }

export async function prepare(m: Fetched, target: PrepareFor): Promise<Prepared> {
  const flags = flagsFor(m.flags, target)
  const repairs: string[] = []
  let content = m.content
  if (target.traits.kind === 'exchange' && hasFlag(m.flags, '\\Seen')) {
    const calm = await withoutReceipt(content)
    if (calm !== content)
      repairs.push('the request for a read receipt was renamed, because the message was read already')
    content = calm
  }
  // Large ones as they are: whether a line is too long shows when they are refused, and reading them twice costs more.
  if (target.traits.maxLine !== undefined && Buffer.isBuffer(content)) {
    const wrapped = wrapLongLines(content, target.traits.maxLine)
    if (wrapped !== content) repairs.push(longLine(target.traits.maxLine))
    content = wrapped
  }
  return made(content, flags, m.internalDate, repairs)
}

function made(content: Content, flags: readonly string[], internalDate: string, repairs: readonly string[]): Prepared {
  const isWhole = Buffer.isBuffer(content)
  return {
    message: { flags, internalDate, content },
    size: isWhole ? content.length : content.size,
    ...(isWhole ? { digest: digestOf(content).subarray(0, 16) } : {}),
    sentFlags: flags,
    repairs,
  }
}

function longLine(maxLine: number): string {
  return `a line was longer than the ${maxLine} bytes that the target takes, and was broken`
}

/** QUIRK: Exchange loses \Flagged of an APPEND for other programs than IMAP's, and shows $MDNSent as a category (imapsync's FAQ.Exchange): the one is set afterwards, the other left out. */
export function flagsFor(flags: readonly string[], target: PrepareFor): readonly string[] {
  const isExchange = target.traits.kind === 'exchange'
  return canonicalFlags(flags).filter((flag) => {
    if (isExchange && flag === '\\Flagged') return false
    return flag.startsWith('\\') ? systemFlags.has(flag) : settable(flag, target)
  })
}

const systemFlags: ReadonlySet<string> = new Set(['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'])

/** Flags as the target would hold them when all went well. */
export function settableFlags(flags: readonly string[], target: PrepareFor): readonly string[] {
  return canonicalFlags(flags).filter((flag) => (isKeyword(flag) ? settable(flag, target) : systemFlags.has(flag)))
}

function settable(keyword: string, target: PrepareFor): boolean {
  if (target.traits.kind === 'exchange' && keyword.toLowerCase() === '$mdnsent') return false
  return target.takes(keyword)
}

async function withoutReceipt(content: Content): Promise<Content> {
  if (Buffer.isBuffer(content)) return disarmed(content)
  const head = await headOf(content)
  return disarmed(head) === head ? content : await rewritten(content, disarmer)
}

/** After a refusal: changed as far as it may help; undefined when there is nothing to change. */
export async function repaired(p: Prepared, o: { readonly maxLine: number }): Promise<Prepared | undefined> {
  const { content, flags, internalDate } = p.message
  if (!Buffer.isBuffer(content)) {
    const wrapped = await rewritten(content, () => lineWrapper(o.maxLine))
    return wrapped.size === content.size
      ? undefined
      : made(wrapped, flags, internalDate, [...p.repairs, longLine(o.maxLine)])
  }
  const plain = normaliseLineEnds(content)
  const wrapped = wrapLongLines(plain, o.maxLine)
  if (wrapped === content) return undefined
  const repairs = [
    ...p.repairs,
    ...(plain === content ? [] : ['a CR or LF that stood alone became CRLF, NUL was left out']),
    ...(wrapped === plain ? [] : [longLine(o.maxLine)]),
  ]
  return made(wrapped, flags, internalDate, repairs)
}

/** QUIRK: Cyrus refuses a message whose header holds a line that is no field; most programs take it for the first line of the text, and so it is written. */
export function withHeaderEnded(p: Prepared): Prepared | undefined {
  const { content, flags, internalDate } = p.message
  if (!Buffer.isBuffer(content)) return undefined
  const ended = headerEnded(content)
  if (ended === content) return undefined
  return made(ended, flags, internalDate, [
    ...p.repairs,
    'an empty line was put before the first line that is no header field',
  ])
}
