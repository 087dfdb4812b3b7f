/** xtext undone (RFC 3461 section 4): `+HH` is a byte; bytes that are UTF-8 are read as that. */
import { isUtf8 } from 'node:buffer'

export function fromXtext(text: string): string {
  const bytes = Buffer.from(
    text.replaceAll(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1')
}

/** ORCPT as it stands in a report: `type;address`. Addresses of the type utf-8 are not in xtext (RFC 6533 section 3). */
export function originalRecipient(orcpt: string): string {
  const address = orcpt.indexOf(';') + 1
  const type = orcpt.slice(0, address)
  return type.toLowerCase() === 'utf-8;' ? orcpt : type + fromXtext(orcpt.slice(address))
}
