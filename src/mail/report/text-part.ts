/** The part for people (RFC 3464 section 2: what happened, in words). */

import { quotedPrintable } from './quoted-printable.ts'
import { isAscii, shown } from './shown.ts'
import { dateTime, type ReportPart, type ReportRecipient, type ReportRequest } from './values.ts'

export function textPart(r: ReportRequest, subject: string): ReportPart {
  const paragraphs = [
    wrap(opening(r)),
    ...r.recipients.map(aboutRecipient),
    aboutMessage(r, subject),
    ...closing(r).map((sentences) => wrap(sentences)),
  ]
  const text = `${paragraphs.map((lines) => lines.join('\r\n')).join('\r\n\r\n')}\r\n`
  // Lines are short unless a word is as long as no word is.
  if (isAscii(text) && !/[^\r\n]{990}/.test(text))
    return { type: 'text/plain; charset=us-ascii', encoding: '7bit', body: [Buffer.from(text, 'latin1')] }
  return { type: 'text/plain; charset=utf-8', encoding: 'quoted-printable', body: [quotedPrintable(Buffer.from(text))] }
}

function opening({ kind, recipients }: ReportRequest): string {
  const them = recipients.length === 1 ? 'this recipient' : 'these recipients'
  switch (kind) {
    case 'failed':
      return `Your message could not be delivered to ${them}:`
    case 'delayed':
      return `Your message has not been delivered to ${them} yet:`
    case 'relayed':
      return `Your message was handed to the mail server of ${them}:`
  }
}

function aboutRecipient({ address, why, diagnostic, isOurs, remote }: ReportRecipient): readonly string[] {
  const words = shown(diagnostic, 1000)
  const who = isOurs === true ? 'Our server' : remote === undefined ? 'The other server' : shown(remote, 255)
  return [
    `  ${shown(address, 320)}`,
    ...wrap(shown(why, 1000), '    '),
    ...(words === '' ? [] : wrap(`${who} said: ${words}`, '    ')),
  ]
}

function aboutMessage({ arrival }: ReportRequest, subject: string): readonly string[] {
  return [`Subject: ${subject === '' ? '(none)' : subject}`, `Sent:    ${dateTime(arrival)}`]
}

function closing(r: ReportRequest): readonly string[] {
  const signature = `This report was written by the mail system at ${r.hostname}. Your administrator finds the details in the attached parts.`
  switch (r.kind) {
    case 'failed':
      return ['It will not be tried again.', signature]
    case 'delayed':
      return [promise(r), signature]
    case 'relayed':
      return ['You asked to be told. You need not do anything.', signature]
  }
}

function promise(r: ReportRequest): string {
  const until = r.giveUpAt === undefined ? '' : ` until ${dateTime(r.giveUpAt)}`
  return `You need not do anything, and you need not send it again. It will be tried${until}. If it cannot be delivered by then, you will get another report.`
}

const maxColumns = 76

function wrap(text: string, indent = ''): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').filter(Boolean)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line === '' || indent.length + longer.length <= maxColumns) line = longer
    else {
      lines.push(indent + line)
      line = word
    }
  }
  return [...lines, indent + line]
}
