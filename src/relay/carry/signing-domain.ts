/** Whether a copy may be signed, and as whom. */
import { domainKey } from '../../mail/address/address.ts'
import { type Project, servedDomain } from '../../project/project.ts'
import type { Admission } from '../admit/admit.ts'
import type { Delivery } from '../plan/plan.ts'
import type { Copy } from '../rewrite/rewrite.ts'

export type Signing = { readonly kind: 'as'; readonly domain: string } | { readonly kind: 'not'; readonly why: string }

/**
 * The domain of the rewritten From, when the mail is a tenant's, leaves for the outside, every mapped field had one reading,
 * and we hold a key for that one domain. Anything else would make the gateway sign what it did not understand.
 */
export function signingDomain(project: Project, { peer, from }: Admission, delivery: Delivery, copy: Copy): Signing {
  if (delivery.side === 'inside') return not('it stays inside')
  if (peer.kind !== 'tenant') return not('it does not come from a tenant')
  if (from.kind !== 'one') return not(from.why)
  if (!copy.isClear) return not('a field with two readings was left as it is')
  const shown = from.mailboxes.map(({ address }) =>
    delivery.view === 'outside' ? project.table.external(address).to : address.text,
  )
  const [domain = '', ...others] = new Set(shown.map((text) => domainKey(text.slice(text.lastIndexOf('@') + 1))))
  if (others.length > 0) return not('From has addresses of several domains')
  if (servedDomain(project, domain)?.dkim === undefined) return not(`the project has no dkim for ${domain}`)
  return { kind: 'as', domain }
}

const not = (why: string): Signing => ({ kind: 'not', why })
