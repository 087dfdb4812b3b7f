import { hasUnseen, toBytes } from './characters.ts'
import { type Mailbox, readAddressList } from './list.ts'
import type { Address } from './value.ts'

/** Maps one address; undefined leaves it. `entry` names the directory entry that decided. */
export type MapAddress = (address: Address) => { readonly to: string; readonly entry: string } | undefined

/** One address that was replaced, for the trace. `field` is a header field, calendar property or report field. */
export type Change = { readonly field: string; readonly old: string; readonly new: string; readonly entry: string }

/** `ambiguous` says why the value has two readings; it then stands as it was. */
export type MappedList = {
  readonly value: string
  readonly changes: readonly Omit<Change, 'field'>[]
  readonly ambiguous?: string
}

type Replacement = { readonly mailbox: Mailbox; readonly to: string; readonly entry: string }

/**
 * Replaces the mapped addresses in the value of an address field and leaves every other byte: names, comments around
 * addresses, order, folding. An address that already is the wanted one stays as it is written.
 */
export function mapAddressList(value: string, map: MapAddress): MappedList {
  const list = readAddressList(value)
  if (list.kind === 'ambiguous') return { value, changes: [], ambiguous: list.why }
  const replacements = list.mailboxes.flatMap((mailbox) => replacement(mailbox, map))
  if (replacements.length === 0) return { value, changes: [] }
  const changes = replacements.map(({ mailbox, to, entry }) => ({ old: mailbox.address.text, new: to, entry }))
  return { value: splice(value, replacements), changes }
}

function replacement(mailbox: Mailbox, map: MapAddress): Replacement[] {
  const mapped = map(mailbox.address)
  if (mapped === undefined || mapped.to === mailbox.address.text) return []
  // The directory lets none in; a line end here would forge a field.
  if (hasUnseen(mapped.to)) throw new TypeError('an address to write holds a control character')
  return [{ mailbox, to: mapped.to, entry: mapped.entry }]
}

function splice(value: string, replacements: readonly Replacement[]): string {
  let text = ''
  let done = 0
  for (const { mailbox, to } of replacements) {
    text += value.slice(done, mailbox.start) + toBytes(to)
    done = mailbox.end
  }
  return text + value.slice(done)
}
