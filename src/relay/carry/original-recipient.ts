/** The ORCPT parameter (RFC 3461 section 4.2): a report shall name the address that was written to, as its reader knows it. */
import { parseAddress } from '../../mail/address/address.ts'
import type { Project } from '../../project/project.ts'
import type { Recipient } from '../listen/listen.ts'
import type { View } from '../plan/plan.ts'

/** What came is passed on, with external addresses for the outside; a mapped recipient gets the address that was written to. */
export function originalRecipient(
  project: Project,
  view: View,
  rewritten: string,
  { orcpt, text }: Recipient,
): { readonly orcpt?: string } {
  if (orcpt !== undefined) return { orcpt: view === 'outside' ? shownOutside(project, orcpt) : orcpt }
  return rewritten === text || !isPrintable(text) ? {} : { orcpt: `rfc822;${toXtext(text)}` }
}

/** Only the type rfc822 is read; others name no address of ours (RFC 3461 section 9.3). */
function shownOutside(project: Project, orcpt: string): string {
  const written = /^rfc822;(.+)$/i.exec(orcpt)?.[1]
  const address = written === undefined ? undefined : parseAddress(fromXtext(written))
  if (address === undefined) return orcpt
  const { to, given } = project.table.external(address)
  return to === given || !isPrintable(to) ? orcpt : `rfc822;${toXtext(to)}`
}

const isPrintable = (text: string): boolean => /^[!-~]+$/.test(text)

/** RFC 3461 section 4: everything but `+` and `=` between `!` and `~` stands for itself. */
const toXtext = (text: string): string =>
  text.replaceAll(/[+=]/g, (c) => `+${c.charCodeAt(0).toString(16).toUpperCase()}`)
const fromXtext = (text: string): string =>
  text.replaceAll(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
