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

/** Who seals this copy, or why nobody does; undefined where nothing is to be sealed. */
export type Sealer =
  | { readonly kind: 'signer'; readonly signer: Signer }
  | { readonly kind: 'not'; readonly why: string }
  | undefined

export async function sealerOf(of: Omit<Inside, 'copy' | 'now'>, keys: SealKeys): Promise<Sealer> {
  const { authentication } = of.admission
  if (authentication === undefined || of.delivery.side !== 'inside') return undefined
  const { arc } = authentication
  if (arc.result === 'temperror') return not(`the chain before us could not be checked: ${arc.why}`)
  const domain = sealingDomain(of.project, of.delivery)
  if (domain === undefined) return not('the project has no gateway.arc, and no dkim for the domain written to')
  const ring = await keys(domain)
  if ('trouble' in ring) return not(ring.trouble)
  const signer = ring.signers.find(({ algorithm }) => algorithm === 'rsa-sha256')
  return signer === undefined ? not(`there is no RSA key for ${domain}`) : { kind: 'signer', signer }
}

/**
 * Never keeps a message from leaving: a seal helps its reader, and mail without one is mail (unlike a signature that DMARC
 * depends on).
 */
export async function insideFields(of: Inside, body: Content, sealer: Sealer): Promise<InsideFields> {
  const { authentication } = of.admission
  if (authentication === undefined || sealer === undefined) return { text: '', seal: undefined }
  const { hostname } = of.project.gateway
  const field = authenticationResults(hostname, authentication)
  const chain = authentication.arc.result
  if (sealer.kind === 'not' || chain === 'temperror')
    return { text: field, seal: sealer.kind === 'not' ? sealer : undefined }
  const sealing = { signer: sealer.signer, chain, results: resultsText(hostname, authentication) }
  const made = await seal(of.copy.header, body, sealing, of.now)
  if (made.kind === 'not') return { text: field, seal: made }
  return { text: made.text + field, seal: { kind: 'sealed', instance: made.instance, signer: sealer.signer } }
}

const not = (why: string): Sealer => ({ kind: 'not', why })

/** The gateway's own, else that of the first recipient who was written to in a domain that we hold a key for. */
export function sealingDomain(project: Project, { recipients }: Delivery): string | undefined {
  if (project.gateway.arc !== undefined) return project.gateway.arc.domain
  return recipients
    .map(({ given }) => domainKey(given.slice(given.lastIndexOf('@') + 1)))
    .find((domain) => servedDomain(project, domain)?.dkim !== undefined)
}
