/**
 * The trace as a message tracking log of Exchange, for the tools that read one.
 * Source: https://learn.microsoft.com/exchange/mail-flow/transport-logs/message-tracking
 */
import { isIP } from 'node:net'
import { stringify } from 'csv-stringify/sync'
import type { EventKind, TraceEvent } from './event.ts'
import { guardCell } from './guard-cell.ts'

const fields = [
  'date-time',
  'client-ip',
  'client-hostname',
  'server-ip',
  'server-hostname',
  'source-context',
  'connector-id',
  'source',
  'event-id',
  'internal-message-id',
  'message-id',
  'network-message-id',
  'recipient-address',
  'recipient-status',
  'total-bytes',
  'recipient-count',
  'related-recipient-address',
  'reference',
  'message-subject',
  'sender-address',
  'return-path',
  'message-info',
  'directionality',
  'tenant-id',
  'original-client-ip',
  'original-server-ip',
  'custom-data',
  'transport-traffic-type',
  'log-id',
  'schema-version',
] as const

type FieldName = (typeof fields)[number]
type Cells = Partial<Record<FieldName, string>>

/** The form of log that this is; not a version of Exchange that ran. */
const version = '15.01.0000.000'

/** The whole file, CRLF lines, RFC 4180 quoting; times in UTC. */
export function trackingLog(events: readonly TraceEvent[], now: Date = new Date()): string {
  const header = [
    '#Software: Microsoft Exchange Server',
    `#Version: ${version}`,
    '#Log-Type: Message Tracking Log',
    `#Date: ${now.toISOString()}`,
    `#Fields: ${fields.join(',')}`,
  ]
  const rows = events.map((event) => {
    const cells = cellsOf(event)
    return fields.map((field) => guardCell(cells[field] ?? ''))
  })
  const options = { record_delimiter: 'windows', escape_formulas: true, quoted_match: /[;\\]/ } as const
  return `${header.join('\r\n')}\r\n${stringify(rows, options)}`
}

type Mapping = { readonly source: string; readonly eventId: string }

/** Ours in Exchange's words. What Exchange has no word for is AGENTINFO, as for the agents of its own. */
const mappings: Readonly<Record<EventKind, Mapping>> = {
  RECEIVE: { source: 'SMTP', eventId: 'RECEIVE' },
  AUTH: { source: 'AGENT', eventId: 'AGENTINFO' },
  PLAN: { source: 'ROUTING', eventId: 'AGENTINFO' },
  REWRITE: { source: 'AGENT', eventId: 'AGENTINFO' },
  SIGN: { source: 'AGENT', eventId: 'AGENTINFO' },
  SEND: { source: 'SMTP', eventId: 'SEND' },
  DEFER: { source: 'SMTP', eventId: 'DEFER' },
  FAIL: { source: 'SMTP', eventId: 'FAIL' },
  REJECT: { source: 'SMTP', eventId: 'FAIL' },
  LOOP: { source: 'ROUTING', eventId: 'FAIL' },
  KEEP: { source: 'QUEUE', eventId: 'AGENTINFO' },
  HOLD: { source: 'QUEUE', eventId: 'AGENTINFO' },
  RELEASE: { source: 'ADMIN', eventId: 'AGENTINFO' },
  RETURN: { source: 'DSN', eventId: 'DSN' },
  DROP: { source: 'ADMIN', eventId: 'DROP' },
}

function cellsOf(event: TraceEvent): Cells {
  const { source, eventId } = isRedirect(event) ? { source: 'ROUTING', eventId: 'REDIRECT' } : mappings[event.kind]
  const client = splitPeer(event.client)
  const server = splitPeer(event.server)
  return {
    ...recipientCells(event),
    'date-time': new Date(event.at).toISOString(),
    'client-ip': client.ip,
    'client-hostname': client.name,
    'server-ip': server.ip,
    'server-hostname': server.name,
    'source-context': event.why ?? '',
    'connector-id': event.peer ?? '',
    source,
    'event-id': eventId,
    'message-id': event.messageId ?? '',
    'network-message-id': event.id,
    'total-bytes': event.bytes === undefined ? '' : String(event.bytes),
    'message-subject': event.subject ?? '',
    'sender-address': event.sender ?? '',
    'return-path': event.sender === '' ? '<>' : (event.sender ?? ''),
    directionality: directionality(event),
    'tenant-id': event.peer === 'internet' ? '' : (event.peer ?? ''),
    'custom-data': customData(event),
    'transport-traffic-type': 'Email',
    'schema-version': version,
  }
}

/** A recipient rewritten is what Exchange logs as REDIRECT: from related-recipient-address to recipient-address. */
function isRedirect(event: TraceEvent): boolean {
  return event.kind === 'REWRITE' && event.field?.toUpperCase() === 'RCPT TO'
}

function recipientCells(event: TraceEvent): Cells {
  const recipients = isRedirect(event) ? [event.new ?? ''] : (event.recipients ?? [])
  // One status for each recipient, in the same order, between semicolons: none may be left inside.
  const status = (event.reply ?? '').replaceAll(';', ',')
  return {
    'recipient-address': recipients.join(';'),
    'recipient-status': status === '' ? '' : recipients.map(() => status).join(';'),
    'recipient-count': recipients.length === 0 ? '' : String(recipients.length),
    'related-recipient-address': isRedirect(event) ? (event.old ?? '') : '',
  }
}

function directionality(event: TraceEvent): 'Incoming' | 'Originating' | 'Undefined' {
  if (event.peer === undefined && event.direction === undefined) return 'Undefined'
  if (event.direction !== undefined) return event.direction === 'inside' ? 'Incoming' : 'Originating'
  return event.peer === 'internet' ? 'Incoming' : 'Originating'
}

/** `S:name=value` parted by semicolons; those in a value are percent-encoded, and so is the percent sign. */
function customData(event: TraceEvent): string {
  const values: readonly (readonly [string, string | number | undefined])[] = [
    ['kind', event.kind],
    ['field', event.field],
    ['old', event.old],
    ['new', event.new],
    ['entry', event.entry],
    ['tableVersion', event.tableVersion],
  ]
  return values
    .flatMap(([name, value]) => (value === undefined ? [] : [`S:${name}=${encoded(String(value))}`]))
    .join(';')
}

function encoded(value: string): string {
  return value.replaceAll('%', '%25').replaceAll(';', '%3B')
}

/** `name [ip]:port`, an address alone, or a name alone. */
function splitPeer(peer = ''): { readonly ip: string; readonly name: string } {
  if (isIP(peer) !== 0) return { ip: peer, name: '' }
  const open = peer.indexOf('[')
  const close = peer.indexOf(']', open)
  if (open === -1 || close === -1) return { ip: '', name: peer }
  return { ip: peer.slice(open + 1, close), name: peer.slice(0, open).trim() }
}
