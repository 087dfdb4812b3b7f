/** Whether a copy may be signed, and as whom. */
import { domainKey, readAddressList } from '../../mail/address/address.ts'
import { all, fieldValue } from '../../mail/header/header.ts'
import { type Project, servedDomain } from '../../project/project.ts'
import type { Admission } from '../admit/admit.ts'
import type { Delivery } from '../plan/plan.ts'
import type { Copy } from '../rewrite/rewrite.ts'

/**
 * The domain of the rewritten From, when the mail is a tenant's, leaves for the outside, every mapped field had one reading,
 * and we hold a key for that one domain. Anything else would make the gateway sign what it did not understand.
 */
export function signingDomain(project: Project, admission: Admission, delivery: Delivery, copy: Copy): string | undefined {
  if (admission.peer.kind !== 'tenant' || admission.from.kind !== 'one' || delivery.side !== 'outside' || !copy.isClear) return undefined
  const fields = all(copy.header, 'from')
  const field = fields[0]
  if (field === undefined || fields.length !== 1) return undefined
  const read = readAddressList(fieldValue(field))
  if (read.kind === 'ambiguous') return undefined
  const domains = new Set(read.mailboxes.map((m) => domainKey(m.address.domain)))
  const [domain] = domains
  if (domain === undefined || domains.size !== 1) return undefined
  return servedDomain(project, domain)?.dkim === undefined ? undefined : domain
}
