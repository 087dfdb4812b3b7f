/** The part for programs: message/delivery-status (RFC 3464), message/global-delivery-status (RFC 6533). */
import { makeField } from '../header/header.ts'
import { cleanText } from '../reply/reply.ts'
import { isAscii, toBytes } from './shown.ts'
import { typedAddress, typedAsGiven } from './typed-address.ts'
import { dateTime, type ReportPart, type ReportRecipient, type ReportRequest } from './values.ts'

export function statusPart(r: ReportRequest): ReportPart {
  // UTF-8 only where it may stand and says more: the plain type is known to every reader.
  const isGlobal =
    r.smtputf8 && r.recipients.some(({ address, originalRecipient = '' }) => !isAscii(address + originalRecipient))
  const blocks = [messageFields(r), ...r.recipients.map((recipient) => recipientFields(r, recipient, isGlobal))]
  return {
    type: isGlobal ? 'message/global-delivery-status' : 'message/delivery-status',
    encoding: isGlobal ? '8bit' : '7bit',
    body: [Buffer.from(blocks.map((fields) => fields.join('')).join('\r\n'), 'latin1')],
  }
}

/** RFC 3464 section 2.2. */
function messageFields(r: ReportRequest): readonly string[] {
  // RFC 3461 section 4.4 has it printable, and 100 characters long. Something else would find no message again.
  const isEnvelopeId = /^[!-~][ -~]{0,99}$/.test(r.originalEnvelopeId ?? '')
  return [
    field('Original-Envelope-Id', isEnvelopeId ? r.originalEnvelopeId : undefined),
    field('Reporting-MTA', `dns;${r.hostname}`),
    field('Arrival-Date', dateTime(r.arrival)),
  ]
}

/** RFC 3464 section 2.3, in its order. */
function recipientFields(r: ReportRequest, recipient: ReportRecipient, utf8: boolean): readonly string[] {
  const { address, originalRecipient, remote, lastAttempt } = recipient
  const original = originalRecipient === undefined ? undefined : typedAsGiven(originalRecipient, utf8)
  const retriesUntil = r.kind === 'delayed' ? r.giveUpAt : undefined
  return [
    field('Original-Recipient', original),
    field('Final-Recipient', typedAddress(address, utf8)),
    field('Action', r.kind),
    field('Status', statusOf(r, recipient)),
    field('Remote-MTA', remote === undefined || !isHost(remote) ? undefined : `dns;${remote}`),
    diagnosticField(recipient),
    field('Last-Attempt-Date', lastAttempt && dateTime(lastAttempt)),
    field('Will-Retry-Until', retriesUntil && dateTime(retriesUntil)),
  ]
}

/** RFC 3463. A recipient who is tried again has failed for now only (RFC 3464 section 2.3.4), whatever the server said. */
function statusOf(r: ReportRequest, { status }: ReportRecipient): string {
  const isCode = /^[245]\.\d{1,3}\.\d{1,3}$/.test(status)
  switch (r.kind) {
    case 'delayed':
      return isCode ? `4${status.slice(1)}` : '4.0.0'
    case 'failed':
      return isCode && !status.startsWith('2') ? status : '5.0.0'
    case 'relayed':
      return isCode && status.startsWith('2') ? status : '2.0.0'
  }
}

/** A name or an address, as it can stand behind `dns;` (RFC 3464 section 2.1.2). */
function isHost(remote: string): boolean {
  return /^[\w.:[\]-]{1,255}$/.test(remote)
}

/** In one line: an address must not be folded, and not every reader unfolds. */
function field(name: string, value: string | undefined): string {
  return value === undefined || value === '' ? '' : `${name}: ${toBytes(value)}\r\n`
}

/** A word that no line can hold is parted. */
const maxWord = /[^ ]{900}/g

/** RFC 3464 section 2.3.6; the type smtp is for the words of a server (section 9.2). */
function diagnosticField({ diagnostic, isOurs }: ReportRecipient): string {
  const words = cleanText(diagnostic, 2000).trim()
  return words === ''
    ? ''
    : makeField('Diagnostic-Code', `${isOurs === true ? 'x-causeway' : 'smtp'}; ${words.replaceAll(maxWord, '$& ')}`)
        .raw
}
