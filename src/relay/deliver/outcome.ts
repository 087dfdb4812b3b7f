import type { Reply } from '../../mail/reply/reply.ts'
import type { Outcome } from './attempt.ts'
import { advice } from './meaning.ts'
import type { Session } from './session.ts'
import { connectionLost, said } from './wire.ts'

export const isPositive = (reply: Reply): boolean => reply.code >= 200 && reply.code < 300

/**
 * What a reply to MAIL, RCPT, DATA or the message means for a recipient who did not get the message by it.
 * RFC 5321 section 4.2.1: 5yz is for good. Everything else, also what makes no sense here, is for later.
 */
export function notTaken(session: Session, asked: string, reply: Reply): Outcome {
  const kind = reply.code >= 500 && reply.code < 600 ? 'refused' : 'deferred'
  const outcome = outcomeAt(session, kind, reply, whyOf(session, asked, reply))
  return reply === connectionLost ? outcome : { ...outcome, spoke: true }
}

/** What the answer to the whole message means for those recipients who were accepted. */
export function ofMessage(session: Session, reply: Reply): Outcome {
  if (isPositive(reply))
    return { ...outcomeAt(session, 'delivered', reply, `taken: ${said(reply)}`), spoke: true, dsn: session.offers.dsn }
  const outcome = notTaken(session, 'the message', reply)
  if (reply !== connectionLost) return outcome
  return { ...outcome, uncertain: true, why: `unknown outcome: ${outcome.why}; the next hop may have the message` }
}

export function outcomeAt(session: Session, kind: Outcome['kind'], reply: Reply, why: string): Outcome {
  return { kind, reply, remote: session.remote, tls: session.tls, why }
}

function whyOf(session: Session, asked: string, reply: Reply): string {
  if (reply === connectionLost) return session.wire.lost ?? reply.text
  const answered = `${asked} was answered ${said(reply)}`
  const sentence = advice(reply)
  return sentence === undefined ? answered : `${answered}; ${sentence}`
}
