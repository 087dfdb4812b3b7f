import { commentsIn, type Mailbox, readAddressList } from '../address/address.ts'
import { all, type Field, fieldValue, type Header } from './field.ts'

/** The authors of a message as every parser reads them, or why parsers could differ. */
export type FromReading =
  | { readonly kind: 'one'; readonly field: Field; readonly mailboxes: readonly Mailbox[] }
  | { readonly kind: 'ambiguous'; readonly why: string }

/**
 * Reads From (RFC 5322 section 3.6.2). Ambiguous: none, more than one, one in disguise, one that has two readings or no
 * mailbox, several mailboxes without a Sender. Who is shown as the author must not depend on who reads.
 */
export function readFrom(h: Header): FromReading {
  const [field, second] = all(h, 'from')
  if (h.fields.some(isDisguised)) return ambiguous('a line that some parsers take for From')
  if (!field) return ambiguous('no From field')
  if (second) return ambiguous('more than one From field')
  if (field.colon !== 'from'.length) return ambiguous('white space before the colon of From')
  const list = readAddressList(fieldValue(field))
  if (list.kind === 'ambiguous') return ambiguous(`From cannot be read: ${list.why}`)
  if (list.mailboxes.length === 0) return ambiguous('From without an address')
  if (list.mailboxes.length > 1 && !hasSender(h))
    return ambiguous('several addresses in From and no Sender that says which')
  if (hidesInComment(fieldValue(field), list.mailboxes))
    return ambiguous('a comment of From stands inside its address, or holds another one')
  return { kind: 'one', field, mailboxes: list.mailboxes }
}

/** `From\r\n : x`, ` From: x`, a byte order mark or NUL before it: no field by the letter, and From for lenient parsers. */
function isDisguised(field: Field): boolean {
  if (field.key !== '') return false
  const colon = field.raw.indexOf(':')
  return (
    colon >= 0 &&
    field.raw
      .slice(0, colon)
      .replace(/[^a-z]+/gi, '')
      .toLowerCase() === 'from'
  )
}

/**
 * Programs that look for `<...@...>`, or for the first at sign, find what stands in a comment; others do not know that one may stand
 * inside an address. The address itself, said again, is what it is.
 */
function hidesInComment(value: string, mailboxes: readonly Mailbox[]): boolean {
  const comments = commentsIn(value)
  if (comments.length === 0) return false
  if (mailboxes.some(({ start, end }) => commentsIn(value.slice(start, end)).length > 0)) return true
  const own = new Set(mailboxes.map(({ address }) => address.text.toLowerCase()))
  return comments.some(({ start, end }) => {
    const words = value.slice(start, end).split(/[\s<>(),;:"]+/)
    return words.some((word) => word.includes('@') && !own.has(word.toLowerCase()))
  })
}

/** RFC 5322 section 3.6.2: several authors need one Sender with one mailbox. */
function hasSender(h: Header): boolean {
  const [sender, second] = all(h, 'sender')
  if (!sender || second) return false
  const list = readAddressList(fieldValue(sender))
  return list.kind === 'list' && list.mailboxes.length === 1
}

function ambiguous(why: string): FromReading {
  return { kind: 'ambiguous', why }
}
