import { isUtf8 } from 'node:buffer'
import { all, fieldValue, type Header, unfold } from '../header/header.ts'
import { type Parameterised, parseParameterised } from './parameters.ts'

/** What the fields of one entity say about its body (RFC 2045 section 3). */
export type Entity = {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
  readonly encoding: string
  readonly filename: string
  readonly sealed: boolean
}

const none: ReadonlyMap<string, string> = new Map()

/** For what cannot be read: nothing is known, so nothing is touched. */
export const opaque: Entity = {
  type: 'application/octet-stream',
  parameters: none,
  encoding: 'binary',
  filename: '',
  sealed: true,
}

/** Reports about messages are the only message/* that are lists of fields and not messages (RFC 3464, 8098, 6533). */
const reports = new Set([
  'message/delivery-status',
  'message/disposition-notification',
  'message/global-delivery-status',
  'message/global-disposition-notification',
])

/** Signed, encrypted, or the header of somebody else's message. */
const untouchable = new Set([
  'multipart/signed',
  'multipart/encrypted',
  'application/pkcs7-mime',
  'application/x-pkcs7-mime',
  'application/pkcs7-signature',
  'application/x-pkcs7-signature',
  'application/pgp-encrypted',
  'application/pgp-signature',
  'text/rfc822-headers',
])

/** Two fields that disagree about the body leave no reading at all. */
export function describe(header: Header, defaultType: string): Entity {
  const type = readType(header, defaultType)
  const encoding = readEncoding(header)
  if (type === undefined || encoding === undefined) return opaque
  const { value, parameters } = type
  const sealed = untouchable.has(value) || (value.startsWith('message/') && !reports.has(value))
  const filename = bytesToText(readFilename(header) ?? parameters.get('name') ?? '')
  return { type: value, parameters, encoding, filename, sealed }
}

function readType(header: Header, defaultType: string): Parameterised | undefined {
  const fields = all(header, 'content-type')
  const [field] = fields
  if (field === undefined) return { value: defaultType, parameters: none }
  const read = fields.length === 1 ? parseParameterised(unfold(fieldValue(field))) : undefined
  // RFC 2045 section 5.1: both are tokens. QUIRK: spaces around the slash are seen and do no harm.
  const value = read?.value.replace(/\s*\/\s*/, '/') ?? ''
  return read && /^[^\s/()<>@,;:\\"[\]?=]+\/[^\s/()<>@,;:\\"[\]?=]+$/.test(value) ? { ...read, value } : undefined
}

function readEncoding(header: Header): string | undefined {
  const fields = all(header, 'content-transfer-encoding')
  const [field] = fields
  if (field === undefined) return '7bit'
  return fields.length === 1 ? parseParameterised(unfold(fieldValue(field)))?.value : undefined
}

function readFilename(header: Header): string | undefined {
  const [field] = all(header, 'content-disposition')
  return field && parseParameterised(unfold(fieldValue(field)))?.parameters.get('filename')
}

/** QUIRK: names stand in encoded words inside quotes, which RFC 2047 section 5 forbids and Outlook and Gmail write. */
function bytesToText(value: string): string {
  const bytes = value
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?[^?\s]{1,40}\?([bq])\?([^?\s]*)\?=/gi, (_, kind: string, text: string) => decodeWord(kind, text))
  const buffer = Buffer.from(bytes, 'latin1')
  return isUtf8(buffer) ? buffer.toString('utf8') : bytes
}

function decodeWord(kind: string, text: string): string {
  if (kind.toLowerCase() === 'b') return Buffer.from(text, 'base64').toString('latin1')
  return text
    .replaceAll('_', ' ')
    .replaceAll(/=([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}
