/** What DMARC means for a message, as the project says (docs/decisions/inbound-authentication.md). */
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Policy } from '../../project/project.ts'
import type { Authentication } from './result.ts'

export type Verdict =
  /** `why` says what was let pass, where there was something to say. */
  | { readonly kind: 'passes'; readonly why: string }
  | { readonly kind: 'refused' | 'deferred'; readonly reply: Reply; readonly why: string }

export function verdictOn(policy: Pick<Policy, 'dmarc' | 'trustedArcSealers'>, a: Authentication): Verdict {
  const { dmarc, arc } = a
  if (policy.dmarc === 'ignore' || (dmarc.result !== 'fail' && dmarc.result !== 'temperror')) return passes('')
  const what = sentence(a)
  if (policy.dmarc === 'report') return passes(`${what}; policy.dmarc is report`)
  // RFC 8617 section 7.2: who saw the message before it was changed, and whom we believe, counts for more.
  if (arc.result === 'pass' && arc.dmarc === 'pass' && policy.trustedArcSealers.includes(arc.sealer))
    return passes(`${what}; it passed before ${arc.sealer} sealed it, which policy.trustedArcSealers names`)
  if (dmarc.result === 'temperror') return { kind: 'deferred', reply: replies.dmarcUnknown(), why: what }
  if (dmarc.policy === 'reject') return { kind: 'refused', reply: replies.dmarcRefused(dmarc.domain), why: what }
  return passes(`${what}; the tenant decides`)
}

const passes = (why: string): Verdict => ({ kind: 'passes', why })

function sentence({ spf, dkim, dmarc }: Authentication): string {
  const signatures = dkim.map(({ result, domain }) => (domain === '' ? result : `${result} (${domain})`)).join(', ')
  const found = `SPF ${spf.result} for ${spf.domain || 'no domain'}, DKIM ${signatures}`
  if (dmarc.result === 'temperror') return `DMARC of ${dmarc.domain} cannot be told now: ${dmarc.why}; ${found}`
  return `DMARC of ${dmarc.domain} fails, its policy is ${dmarc.policy ?? 'unknown'}: ${found}`
}
