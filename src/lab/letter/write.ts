import { randomBytes, randomUUID } from 'node:crypto'
import { makeField } from '../../mail/header/header.ts'
import { addressesIn, fieldText, type Stored } from './read.ts'

export type Person = { readonly name: string; readonly address: string }

export type Draft = {
  readonly from: Person
  readonly to: readonly Person[]
  readonly cc?: readonly Person[]
  readonly subject: string
  readonly text: string
  readonly inReplyTo?: { readonly messageId: string; readonly references: string }
  /** A meeting request or the answer to one. */
  readonly calendar?: { readonly method: 'REQUEST' | 'REPLY'; readonly ics: string }
}

export type Letter = { readonly raw: Buffer; readonly messageId: string }

/** The order of fields is Outlook's. */
export function writeLetter(draft: Draft): Letter {
  const domain = draft.from.address.slice(draft.from.address.lastIndexOf('@') + 1)
  const messageId = `<${randomUUID().replaceAll('-', '').toUpperCase()}@mail.${domain}>`
  const boundary = `_000_${randomBytes(20).toString('hex')}_`
  const { inReplyTo: answered } = draft
  const fields = [
    makeField('From', people([draft.from])),
    makeField('To', people(draft.to)),
    ...(draft.cc === undefined || draft.cc.length === 0 ? [] : [makeField('CC', people(draft.cc))]),
    makeField('Subject', encoded(draft.subject)),
    makeField('Thread-Topic', encoded(draft.subject.replace(/^(?:RE: )+/, ''))),
    makeField('Date', new Date().toUTCString().replace('GMT', '+0000')),
    makeField('Message-ID', messageId),
    ...(answered === undefined
      ? []
      : [makeField('References', answered.references), makeField('In-Reply-To', answered.messageId)]),
    makeField('Accept-Language', 'en-US'),
    makeField('Content-Language', 'en-US'),
    makeField('Content-Type', `multipart/alternative; boundary="${boundary}"`),
    makeField('MIME-Version', '1.0'),
  ]
  const body = [
    textPart(draft.text),
    htmlPart(draft.text),
    ...(draft.calendar === undefined ? [] : [calendarPart(draft.calendar)]),
  ]
  const text = `${body.map((each) => `--${boundary}\r\n${each}\r\n`).join('')}--${boundary}--\r\n`
  return { raw: Buffer.from(`${fields.map((field) => field.raw).join('')}\r\n${text}`, 'latin1'), messageId }
}

/** Whom an answer goes to: Reply-To before From (RFC 5322 section 3.6.2); to all: everybody else in To and Cc as well. */
export function answerTo(
  stored: Stored,
  own: ReadonlySet<string>,
  toAll: boolean,
): Pick<Draft, 'to' | 'cc' | 'subject' | 'inReplyTo'> {
  const replyTo = addressesIn(stored.raw, 'reply-to')
  const to = replyTo.length > 0 ? replyTo : addressesIn(stored.raw, 'from')
  const others = [...addressesIn(stored.raw, 'to'), ...addressesIn(stored.raw, 'cc')]
  const cc = others.filter((address) => !own.has(address.toLowerCase()) && !to.includes(address))
  const messageId = fieldText(stored.raw, 'message-id')
  const subject = fieldText(stored.raw, 'subject')
  return {
    to: to.map(unnamed),
    cc: toAll ? cc.map(unnamed) : [],
    subject: /^re: /i.test(subject) ? subject : `RE: ${subject}`,
    inReplyTo: { messageId, references: `${fieldText(stored.raw, 'references')} ${messageId}`.trim() },
  }
}

const unnamed = (address: string): Person => ({ name: '', address })

function people(list: readonly Person[]): string {
  return list.map(({ name, address }) => (name === '' ? address : `${displayName(name)} <${address}>`)).join(', ')
}

function displayName(name: string): string {
  if (/^[\w ]+$/.test(name)) return name
  return /^[ -~]*$/.test(name) ? `"${name.replaceAll(/["\\]/g, String.raw`\$&`)}"` : encoded(name)
}

/** RFC 2047, in words of at most 75 characters. */
function encoded(text: string): string {
  if (/^[ -~]*$/.test(text)) return text
  const letters = Array.from(text)
  const words: string[] = []
  for (let at = 0; at < letters.length; at += 10) {
    words.push(`=?utf-8?B?${Buffer.from(letters.slice(at, at + 10).join(''), 'utf8').toString('base64')}?=`)
  }
  return words.join(' ')
}

const textPart = (text: string): string => part('text/plain; charset="utf-8"', text)

function htmlPart(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('\n', '<br>\n')
  return part('text/html; charset="utf-8"', `<html><body><p>${escaped}</p></body></html>`)
}

const calendarPart = ({ method, ics }: NonNullable<Draft['calendar']>): string =>
  part(`text/calendar; charset="utf-8"; method=${method}`, ics)

function part(type: string, text: string): string {
  const lines =
    Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'), 'utf8')
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  return `Content-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines.join('\r\n')}\r\n`
}
