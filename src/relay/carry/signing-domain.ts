/** Whether a copy may be signed, and as whom. */
import { domainKey } from '../../mail/address/address.ts'
import { type Project, servedDomain } from '../../project/project.ts'
import type { Admission } from '../admit/admit.ts'
import type { Delivery } from '../plan/plan.ts'
import type { Copy } from '../rewrite/rewrite.ts'

/**
 * The domain of the rewritten From, when the mail is a tenant's, leaves for the outside, every mapped field had one reading,
 * and we hold a key for that one domain. Anything else would make the gateway sign what it did not understand.
 */
export function signingDomain(
  project: Project,
  { peer, from }: Admission,
  delivery: Delivery,
  copy: Copy,
): string | undefined {
  if (peer.kind !== 'tenant' || from.kind !== 'one' || delivery.side !== 'outside' || !copy.isClear) return undefined
  const shown = from.mailboxes.map(({ address }) =>
    delivery.view === 'outside' ? project.table.external(address).to : address.text,
  )
  const [domain, ...others] = new Set(shown.map((text) => domainKey(text.slice(text.lastIndexOf('@') + 1))))
  if (domain === undefined || others.length > 0) return undefined
  return servedDomain(project, domain)?.dkim === undefined ? undefined : domain
}
