/** Where a recipient in the queue belongs by now. Nothing is asked of the network. */
import type { Project } from '../../project/project.ts'
import { tenantNamed } from '../../project/project.ts'
import type { HoldCause, KeptRecipient, Result } from '../../queue/queue.ts'
import { type Route, route, routeAsOpen } from '../admit/admit.ts'
import { type Again, type Kept, laneOf, messageAgain, readRecipient } from '../keep/keep.ts'
import type { Recipient } from '../listen/listen.ts'
import { plan } from '../plan/plan.ts'
import type { Direct } from './conclude.ts'

/** What somebody let go is not held again because its domain stands still. A report of ours finds its reader in any case. */
export function routeNow(
  project: Project,
  kept: Kept,
  { admission, incoming }: Again,
  { releasedAt }: KeptRecipient,
  recipient: Recipient,
): Route {
  const find = releasedAt === undefined ? route : routeAsOpen
  const found = find(project, admission.peer, incoming.mailFrom, recipient, 'again')
  if (kept.peer.kind !== 'causeway' || found.kind === 'inside' || found.kind === 'held') return found
  const tenant = tenantNamed(project, kept.peer.tenant)
  if (tenant === undefined) return found
  const why = `a report of ours for somebody who writes through tenant ${tenant.name}`
  return { kind: 'inside', tenant, to: recipient.text, why }
}

export type Place =
  | { readonly kind: 'lane'; readonly lane: string }
  | { readonly kind: 'held'; readonly cause: HoldCause; readonly why: string }

/**
 * Where a waiting recipient belongs as the envelope alone tells it; undefined when only an attempt can say. What is handed over goes
 * by the domain that its From shows, and for that the content would have to be read.
 */
export function placeNow(project: Project, kept: Kept, one: KeptRecipient): Place | undefined {
  const recipient = readRecipient(one)
  if ('why' in recipient) return undefined
  const again = messageAgain(project, kept, Buffer.of())
  if (again === undefined) return { kind: 'held', cause: 'tenant', why: tenantGone(kept) }
  const found = routeNow(project, kept, again, one, recipient)
  if (found.kind === 'held') return { kind: 'held', cause: 'domain', why: found.why }
  if (found.kind === 'refused') return undefined
  const { peer, from, pass } = again.admission
  if (found.kind === 'outside' && peer.kind === 'tenant' && peer.tenant.outbound.kind === 'handover') return undefined
  const { mailFrom } = again.incoming
  const [delivery] = plan({ project, peer, mailFrom, from, pass, routed: [{ recipient, route: found }] }).deliveries
  return delivery && { kind: 'lane', lane: laneOf(delivery) }
}

/** Nobody can say any more by which rules it would go, nor may anybody else be told. It waits for its tenant, however long. */
export function tenantGone({ peer }: Kept): string {
  const name = peer.kind === 'internet' ? '' : peer.tenant
  const what = peer.kind === 'causeway' ? 'it is a report of ours for' : 'it came from'
  return `${what} tenant ${name}, which the project does not have: it goes on by itself when the tenant is back`
}

/** The directory or the project has changed: it is due at once, in the lane where it belongs now. */
export function elsewhere(kept: KeptRecipient, lane: string, now: number): Direct {
  const { n } = kept
  const why = `it goes by ${lane} now`
  return {
    kept,
    result: { n, kind: 'waiting', lane, trouble: 'temporary', nextAt: now, reply: '', why, isUntried: true },
  }
}

export function held(kept: KeptRecipient, cause: HoldCause, why: string): Direct {
  const result: Result = { n: kept.n, kind: 'held', cause, reply: kept.reply, why }
  return { kept, result }
}

/** Nothing was tried, and it is due when it was due before. */
export const unchanged = (kept: KeptRecipient): Direct => ({
  kept,
  result: { n: kept.n, kind: 'unchanged', reply: kept.reply, why: kept.why },
})
