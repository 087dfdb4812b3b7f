/** What goes on top of a copy of internet mail that goes inside: what was found out about its origin, and our ARC seal. */
import { domainKey } from '../../mail/address/address.ts'
import type { Content } from '../../mail/message/message.ts'
import { type Project, servedDomain } from '../../project/project.ts'
import type { Admission } from '../admit/admit.ts'
import { authenticationResults, resultsText } from '../authenticate/authenticate.ts'
import type { Delivery } from '../plan/plan.ts'
import type { Copy } from '../rewrite/rewrite.ts'
import { type Signer, seal } from '../sign/sign.ts'

/** `undefined`: nothing was to be sealed. */
export type SealNote =
  | { readonly kind: 'sealed'; readonly instance: number; readonly signer: Signer }
  | { readonly kind: 'not'; readonly why: string }
  | undefined

export type InsideFields = { readonly text: string; readonly seal: SealNote }

export type Inside = {
  readonly project: Project
  readonly admission: Admission
  readonly delivery: Delivery
  readonly copy: Copy
  readonly now: Date
}
/** The keys that a domain seals with, or why they cannot be had. */
export type SealKeys = (
  domain: string,
) => Promise<{ readonly signers: readonly Signer[] } | { readonly trouble: string }>

/** Our results, and with them our seal, belong on this copy. */
export function isForInside({ admission, delivery }: Pick<Inside, 'admission' | 'delivery'>): boolean {
  return admission.authentication !== undefined && delivery.side === 'inside'
}

/**
 * Never keeps a message from leaving: a seal helps its reader, and mail without one is mail (unlike a signature that DMARC
 * depends on).
 */
export async function insideFields(of: Inside, body: Content, keys: SealKeys): Promise<InsideFields> {
  const { authentication } = of.admission
  if (authentication === undefined || !isForInside(of)) return { text: '', seal: undefined }
  const { hostname } = of.project.gateway
  const field = authenticationResults(hostname, authentication)
  const unsealed = (why: string): InsideFields => ({ text: field, seal: { kind: 'not', why } })

  const chain = authentication.arc.result
  if (chain === 'temperror') return unsealed(`the chain before us could not be checked: ${authentication.arc.why}`)
  const domain = sealingDomain(of.project, of.delivery)
  if (domain === undefined) return unsealed('the project has no gateway.arc, and no dkim for the domain written to')
  const ring = await keys(domain)
  if ('trouble' in ring) return unsealed(ring.trouble)
  const signer = ring.signers.find(({ algorithm }) => algorithm === 'rsa-sha256')
  if (signer === undefined) return unsealed(`there is no RSA key for ${domain}`)

  const sealing = { signer, chain, results: resultsText(hostname, authentication) }
  const made = await seal(of.copy.header, body, sealing, of.now)
  if (made.kind === 'not') return unsealed(made.why)
  return { text: made.text + field, seal: { kind: 'sealed', instance: made.instance, signer } }
}

/** The gateway's own, else that of the first recipient who was written to in a domain that we hold a key for. */
export function sealingDomain(project: Project, { recipients }: Delivery): string | undefined {
  if (project.gateway.arc !== undefined) return project.gateway.arc.domain
  return recipients
    .map(({ given }) => domainKey(given.slice(given.lastIndexOf('@') + 1)))
    .find((domain) => servedDomain(project, domain)?.dkim !== undefined)
}
