/** How many recipients one transaction carries. */
import { domainKey } from '../../mail/address/address.ts'
import type { Tenant } from '../../project/project.ts'
import type { PlannedRecipient } from './delivery.ts'

/** Exchange Online answers 4.5.3 to more than 200 recipients of one domain (Microsoft, NDR 4.5.3) and takes 500 in all. */
const perDomainOnline = 200
const totalOnline = 500
/** Every server must take 100 (RFC 5321 section 4.5.3.1.8). */
const totalElsewhere = 100

/** Parts in the given order; each fits into one transaction. */
export function splitRecipients(
  recipients: readonly PlannedRecipient[],
  tenant: Tenant | undefined,
): readonly (readonly PlannedRecipient[])[] {
  const isOnline = tenant?.kind === 'exchange-online'
  const total = isOnline ? totalOnline : totalElsewhere
  const parts: PlannedRecipient[][] = []
  let perDomain = new Map<string, number>()
  for (const recipient of recipients) {
    const domain = domainKey(recipient.rewritten.slice(recipient.rewritten.lastIndexOf('@') + 1))
    const part = parts.at(-1)
    const inDomain = perDomain.get(domain) ?? 0
    if (part === undefined || part.length >= total || (isOnline && inDomain >= perDomainOnline)) {
      parts.push([recipient])
      perDomain = new Map([[domain, 1]])
    } else {
      part.push(recipient)
      perDomain.set(domain, inDomain + 1)
    }
  }
  return parts
}
