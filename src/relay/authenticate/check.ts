/**
 * The checks themselves, by mailauth, in its strict mode: what an RFC calls broken passes nowhere
 * (docs/decisions/inbound-authentication.md). Each check has its file; here stands what they share.
 */
import { checkArc } from './check-arc.ts'
import { checkDkim, readSignatures } from './check-dkim.ts'
import { checkDmarc } from './check-dmarc.ts'
import { checkSpf } from './check-spf.ts'
import type { Ask } from './questions.ts'
import type { Authentication } from './result.ts'
import type { Subject } from './subject.ts'

/** As mailauth wants it: like `dns.promises.resolve`, failing with the codes of Node. */
export type Lookup = (name: string, type: string) => Promise<readonly unknown[]>

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

function makeLookup(ask: Ask, unanswered: Set<string>): Lookup {
  return async (name, type) => {
    const asked = await ask(name, type)
    if (asked.kind === 'found') return asked.records
    if (asked.code === 'ESERVFAIL') unanswered.add(name)
    throw Object.assign(new Error(asked.why), { code: asked.code })
  }
}

/** What stands in a result of mailauth, as text; names in it come from strangers. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A word of a result, when it is one of those that we know. */
export function oneOf<T extends string>(words: readonly T[], word: string, otherwise: T): T {
  return words.find((known) => known === word) ?? otherwise
}
