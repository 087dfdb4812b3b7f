/** Results that claim to be ours and came from somewhere else (RFC 8601 section 5). */
import { domainKey } from '../../mail/address/address.ts'
import { type Field, fieldValue, unfold } from '../../mail/header/header.ts'

const key = 'authentication-results'

/** An Authentication-Results field that a reader, by the letter or a lenient one, could take for one of `hostname`. */
export function isForgedResults(field: Field, hostname: string): boolean {
  if (field.key !== key && !(field.key === '' && disguisedKey(field) === key)) return false
  const raw = field.key === '' ? field.raw.slice(field.raw.indexOf(':') + 1) : fieldValue(field)
  const value = Buffer.from(unfold(raw), 'latin1').toString('utf8')
  // RFC 2047 section 5 allows no encoded word there, and readers that decode whole fields see our name in one.
  if (/^[^;]*=\?/.test(value)) return true
  const host = domainKey(hostname) || hostname.toLowerCase()
  return [...readings(value), ...careless(value)].some((id) => isHost(id, host))
}

/** `Authentication-Results` with white space or controls in or before its name. */
const disguisedKey = ({ raw }: Field): string =>
  raw
    .slice(0, Math.max(0, raw.indexOf(':')))
    .replace(/[^a-z-]+/gi, '')
    .toLowerCase()

/**
 * What could be taken for the authserv-id: with comments left out (RFC 5322 section 3.2.2), as by the letter; with only their
 * parentheses left out, as by a reader that gets lost in them; up to the first separator, and the first word of it alone.
 */
function readings(value: string): readonly string[] {
  const texts = [withoutComments(value), value.replaceAll(/[()]/g, ' ')]
  return texts.flatMap((text) => {
    const upToSemicolon = (text.split(';')[0] ?? '').replaceAll(/["\\]/g, '').trim()
    return [upToSemicolon.replaceAll(/\s+/g, ''), upToSemicolon.split(/[\s,/=]/)[0] ?? '']
  })
}

/**
 * The same for whoever looks for our name by eye or with a pattern: brackets, quotes, signs that cannot be seen, wide letters and
 * other dots left out or made plain, and an empty beginning or the instance of an ARC set passed over.
 */
function careless(value: string): readonly string[] {
  const [first = ''] = value.split(';').filter((part) => !/^\s*(?:i\s*=\s*\d*\s*)?$/.test(part))
  return [
    first
      .normalize('NFKC')
      .replaceAll('\u3002', '.')
      .replaceAll(/[^\p{L}\p{N}.-]+/gu, ''),
  ]
}

function withoutComments(value: string): string {
  let depth = 0
  let isQuoted = false
  let out = ''
  for (let at = 0; at < value.length; at += 1) {
    const c = value[at] ?? ''
    if (c === '\\') {
      if (depth === 0) out += value[at + 1] ?? ''
      at += 1
    } else if (depth === 0 && c === '"') isQuoted = !isQuoted
    else if (!isQuoted && c === '(') depth += 1
    else if (depth > 0 && c === ')') depth -= 1
    else if (depth === 0) out += c
  }
  return out
}

/** The name itself, with a version after it (RFC 8601 section 2.2) or anything else that no host name goes on with. */
function isHost(id: string, host: string): boolean {
  const lower = id.toLowerCase().normalize('NFC')
  if (domainKey(lower) === host) return true
  if (!lower.startsWith(host)) return false
  return /^\.?(?:\d+$|$|[^a-z0-9.-])/.test(lower.slice(host.length))
}
