/**
 * What would happen to a message, and why: the stages of the relay up to the point where it would be sent.
 *
 * Promises: the copies are the bytes that would leave; the answer is made by the code that does the work.
 * Never: makes a key, opens a connection, asks DNS without being told to, or leaves a check out in silence.
 * On failure: a refused recipient is part of the answer, with the reply that the sender would get.
 */
export { type Ask, type Asked, type AskWith, askExplanation } from './ask.ts'
export type { ExistingKeys, ExplainedAddress, ExplainedDelivery, Explanation, NotChecked } from './trial.ts'
