/**
 * Where does a message from the internet come from? SPF, DKIM, DMARC and ARC, checked before anything is rewritten.
 *
 * Promises: an answer within the time limit for any message; plain data that can be kept beside a queued message; the checks
 *   run in a thread of their own, so that no message holds up the connections of others.
 * Never: takes a question that the DNS did not answer for a yes or a no: it is temperror; looks at more than ten signatures.
 * On failure: what is open when time is up, or when the thread ends, is temperror with the reason.
 */
import type { RecordResolver } from '../../dns/dns.ts'
import type { Authentication } from './result.ts'
import { type Checkable, subjectOf } from './subject.ts'
import { CheckThread } from './thread.ts'

export { isForgedResults } from './forged.ts'
export type { ArcResult, Authentication, DkimResult, DmarcPolicy, DmarcResult, SpfResult } from './result.ts'
export { authenticationShape } from './result-shape.ts'
export { authenticationResults, resultsText } from './results-field.ts'
export { resultsLine } from './results-line.ts'
export type { Checkable } from './subject.ts'
export { type Verdict, verdictOn } from './verdict.ts'

export type Authenticator = {
  /** Asked once for a message; whoever keeps the message keeps the answer. */
  authenticate(what: Checkable): Promise<Authentication>
  close(): Promise<void>
}

export type AuthenticatorOptions = {
  readonly resolver: RecordResolver
  /** Time for all questions of one message; 10 s when absent. */
  readonly timeoutMs?: number
  /** Of copies of messages with the thread at once, one message in any case; 128 MB when absent. */
  readonly maxBytes?: number
}

const graceMs = 10_000
const mostBytes = 128 * 1024 * 1024

export function makeAuthenticator({
  resolver,
  timeoutMs = 10_000,
  maxBytes = mostBytes,
}: AuthenticatorOptions): Authenticator {
  const thread = new CheckThread({ resolver, timeoutMs, graceMs, maxBytes: Math.min(maxBytes, mostBytes) })
  return { authenticate: (what) => thread.check(subjectOf(what)), close: () => thread.close() }
}
