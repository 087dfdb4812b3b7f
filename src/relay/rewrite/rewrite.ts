/**
 * Rewrites one copy: address fields of the header, calendar parts, recipients in delivery reports.
 *
 * Promises: bytes that are not part of a mapped address stay as they came, folding of the field excepted; every change is
 *   told with the entry that asked for it; the same message, view and table give the same copy.
 * Never: touches Message-ID, Received, Return-Path, signed or encrypted parts, nested messages, or text for people.
 * On failure: a field with two readings is left whole and the copy is not `clear`, so nothing will sign it.
 */
import { type Address, type Change, type MapAddress, mapAddressList } from '../../mail/address/address.ts'
import { isCalendar, rewriteCalendar } from '../../mail/calendar/calendar.ts'
import { type Field, fieldValue, type Header, readFrom, withValue } from '../../mail/header/header.ts'
import type { Content, Message } from '../../mail/message/message.ts'
import { decodePart, encodePart, type Part, parts, replaceParts } from '../../mail/mime/mime.ts'
import { isReport, type ReportMap, rewriteReport } from '../../mail/report/report.ts'
import type { Project, RoutingTable } from '../../project/project.ts'
import type { Direction, Peer } from '../admit/admit.ts'
import { isForgedResults } from '../authenticate/authenticate.ts'
import type { View } from '../plan/plan.ts'
import { fieldSets } from './fields.ts'

export type Copy = {
  readonly header: Header
  readonly body: Content
  readonly changes: readonly Change[]
  /** Every field that was to be mapped has one reading. */
  readonly isClear: boolean
  /** Fields that were left alone, and why. */
  readonly left: readonly { readonly field: string; readonly why: string }[]
}

/** `origin`: whose connection it came by. */
export function rewrite(project: Project, message: Message, view: View, origin: Peer['kind'] = 'tenant'): Copy {
  const came = origin === 'internet' ? withoutOrganisation(message.header) : message.header
  const header = rewriteHeader(project, came, view)
  if (view === 'unchanged') return { ...header, body: [message.body] }
  const { body, changes } = rewriteBody(project, message, view)
  return { ...header, body, changes: [...header.changes, ...changes] }
}

/** Our mapping as a function of the address alone; undefined where the address stays. */
function mapper(table: RoutingTable, side: Direction): MapAddress {
  return (address) => {
    const mapped = side === 'outside' ? table.external(address) : table.internal(address)
    return mapped.entry === undefined || mapped.to === mapped.given
      ? undefined
      : { to: mapped.to, entry: mapped.entry.id }
  }
}

function rewriteHeader(project: Project, header: Header, view: View): Omit<Copy, 'body'> {
  const names = view === 'unchanged' ? new Set<string>() : fieldSets[project.policy.fields][view]
  const map = mapper(project.table, view === 'inside' ? 'inside' : 'outside')
  const isSecret = secretsOf(project)
  const author = readFrom(header)
  const fields: Field[] = []
  const changes: Change[] = []
  const left: { field: string; why: string }[] = []
  for (const field of header.fields) {
    if (keyOf(field).startsWith('x-causeway-') || isSecret(field)) continue
    // RFC 8601 section 5: what speaks in our name and came from elsewhere is a forgery, whoever sent it.
    if (isForgedResults(field, project.gateway.hostname)) continue
    if (!names.has(field.key)) {
      fields.push(field)
      continue
    }
    const mapped = mapAddressList(fieldValue(field), map)
    // Each of two From fields has one reading, and the message has none: who is the author stays as open as it came.
    const isAuthor = field.key === 'from' && author.kind === 'ambiguous'
    const why = mapped.ambiguous ?? (isAuthor ? author.why : undefined)
    if (why !== undefined) {
      left.push({ field: nameOf(field), why })
      fields.push(field)
      continue
    }
    for (const change of mapped.changes) changes.push({ field: nameOf(field), ...change })
    fields.push(mapped.changes.length === 0 ? field : withValue(field, mapped.value))
  }
  return { header: { fields }, changes, isClear: left.length === 0, left }
}

/**
 * What only the organisation itself may say of a message: that it is from inside, that it is no spam. Exchange believes it where the
 * connector has CloudServicesMailEnabled, and we come by a connector that it trusts (Microsoft, "Header firewall").
 */
const ofOrganisation = /^x-ms-exchange-(?:organization|forest|crosspremises|crossforest)-/

const withoutOrganisation = (header: Header): Header =>
  header.fields.some((field) => ofOrganisation.test(keyOf(field)))
    ? { fields: header.fields.filter((field) => !ofOrganisation.test(keyOf(field))) }
    : header

/** The header without the fields that prove a tenant; the same one when it has none. */
export function withoutSecrets(project: Project, header: Header): Header {
  const isSecret = secretsOf(project)
  return header.fields.some(isSecret) ? { fields: header.fields.filter((field) => !isSecret(field)) } : header
}

function secretsOf(project: Project): (field: Field) => boolean {
  const names = new Set(
    project.tenants.flatMap((t) => (t.from.secret === undefined ? [] : [t.from.secret.header.toLowerCase()])),
  )
  return (field) => names.size > 0 && names.has(keyOf(field))
}

const keyOf = (field: Field): string => (field.key === '' ? disguisedKey(field) : field.key)

/** The name that a lenient reader would see in a line that is no field: folded in its name, say. */
const disguisedKey = (field: Field): string => /^[^:]*/.exec(field.raw)?.[0].replaceAll(/\s/g, '').toLowerCase() ?? ''

const nameOf = (field: Field): string => field.raw.slice(0, field.colon).trimEnd()

type Rewritten = { readonly part: Part; readonly body: Buffer; readonly changes: readonly Change[] }

function rewriteBody(
  project: Project,
  message: Message,
  side: Direction,
): { readonly body: Content; readonly changes: readonly Change[] } {
  const { calendar, reports } = project.policy
  if (!calendar && !reports) return { body: [message.body], changes: [] }
  const changed: Rewritten[] = []
  for (const part of parts(message)) {
    const rewritten = rewritePart(project, message, part, side)
    if (rewritten !== undefined) changed.push(rewritten)
  }
  if (changed.length === 0) return { body: [message.body], changes: [] }
  return { body: replaceParts(message, changed), changes: changed.flatMap((c) => c.changes) }
}

/** Rewriting costs time in proportion; a calendar or report beyond this is no work of a calendar or mail program. */
const maxPartBytes = 4 * 1024 * 1024

function rewritePart(project: Project, message: Message, part: Part, side: Direction): Rewritten | undefined {
  const asCalendar = project.policy.calendar && isCalendar(part)
  const asReport = project.policy.reports && isReport(part)
  if ((!asCalendar && !asReport) || part.bodyEnd - part.bodyStart > maxPartBytes) return undefined
  const decoded = decodePart(message.raw, part)
  if (decoded === undefined) return undefined
  if (asReport) {
    const result = rewriteReport(decoded, side, reportMap(project.table))
    return result && { part, body: encodePart(result.fields, part), changes: result.changes }
  }
  const result = rewriteCalendar(decoded, mapper(project.table, side))
  return result && { part, body: encodePart(result.ics, part), changes: result.changes }
}

function reportMap(table: RoutingTable): ReportMap {
  const entryOf = (address: Address): string | undefined => table.person(address)?.entry.id
  return {
    external: mapper(table, 'outside'),
    internal: mapper(table, 'inside'),
    samePerson: (a, b) => entryOf(a) !== undefined && table.person(a)?.internal === table.person(b)?.internal,
  }
}
