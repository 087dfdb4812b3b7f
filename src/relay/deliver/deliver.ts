/**
 * Hands a message to the next hop: our own SMTP client (RFC 5321) with a pool of connections.
 *
 * Promises: one outcome per recipient, in their order; the hop's TLS policy is kept (required = verified, never
 * plaintext); bytes leave as they came or not at all; a slow hop slows only those who wait for it.
 * Never: throws on what a next hop says or does; sends a message again by itself once its last byte was written.
 * On failure: whatever the hop did not clearly take or refuse is deferred, with the exact reason in `why`.
 */

export type {
  Attempt,
  AttemptRecipient,
  Deliverer,
  DelivererOptions,
  Offers,
  Outcome,
  Probed,
  Timeouts,
} from './attempt.ts'
export { makeDeliverer } from './deliverer.ts'
export { advice, type Meaning, meaningOf, slowsHop } from './meaning.ts'
export type { DeliveryStats, DestinationStats } from './pool.ts'
