/**
 * The checks themselves, by mailauth, in its strict mode: what an RFC calls broken passes nowhere
 * (docs/decisions/inbound-authentication.md). Each check has its file.
 */
import { checkArc } from './check-arc.ts'
import { checkDkim, readSignatures } from './check-dkim.ts'
import { checkDmarc } from './check-dmarc.ts'
import { checkSpf } from './check-spf.ts'
import { makeLookup } from './lookup.ts'
import type { Ask } from './questions.ts'
import type { Authentication } from './result.ts'
import type { Subject } from './subject.ts'

export async function check(subject: Subject, ask: Ask): Promise<Authentication> {
  const unanswered = new Set<string>()
  const lookup = makeLookup(ask, unanswered)
  const [spf, signatures] = await Promise.all([checkSpf(subject, lookup), readSignatures(subject.content, lookup)])
  const dkim = checkDkim(signatures)
  const [dmarc, arc] = await Promise.all([
    checkDmarc(subject.authors, spf, dkim, lookup),
    checkArc(signatures, lookup, unanswered),
  ])
  return { address: subject.address, spf, dkim: dkim.map(({ result }) => result), dmarc, arc }
}
