/**
 * What the queue keeps of a message, and a message again out of what it kept.
 *
 * Promises: the content is as it came, without the secret header fields of tenants; the envelope holds whose it was and by
 *   which proofs, so that a later attempt is routed, signed and marked as the first one was.
 * Never: trusts what it reads back: a row that was damaged, or written by another version, is an answer with a reason.
 * On failure: `why` for the operator; the caller holds the message, and nothing else stops.
 */

export { type Again, messageAgain } from './again.ts'
export { contentToKeep } from './content.ts'
export {
  envelopeText,
  factsText,
  type Kept,
  type KeptPeer,
  ownEnvelope,
  readEnvelope,
  readRecipient,
} from './envelope.ts'
export { laneOf, laneOfTenant } from './lane.ts'
export { lastWords } from './last-words.ts'
