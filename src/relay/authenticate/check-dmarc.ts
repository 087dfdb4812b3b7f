/**
 * DMARC (RFC 9989). A message whose From names several domains, or has two readings, is judged for each domain that a reader
 * could see, and the strictest counts: it must not pass by confusing us.
 */
import { evaluateDmarc } from 'mailauth/lib/dmarc/index.js'
import type { Authors } from './authors.ts'
import type { CheckedSignature } from './check-dkim.ts'
import { type Lookup, oneOf, textOf } from './lookup.ts'
import type { DmarcPolicy, DmarcResult, SpfResult } from './result.ts'

const results = ['none', 'pass', 'fail', 'temperror', 'permerror'] as const
const policies = ['none', 'quarantine', 'reject'] as const

export async function checkDmarc(
  { domains, doubt }: Authors,
  spf: SpfResult,
  dkim: readonly CheckedSignature[],
  resolver: Lookup,
): Promise<DmarcResult> {
  const [only, ...others] = domains
  if (only === undefined) return { result: 'none', domain: '', why: doubt || 'From has no domain' }
  const judged = await Promise.all(domains.map((domain) => judge(domain, spf, dkim, resolver)))
  const worst = judged.reduce((a, b) => (severity(b) > severity(a) ? b : a))
  const why = doubt || (others.length === 0 ? '' : 'From has addresses of several domains')
  if (why === '' || worst.result === 'fail' || worst.result === 'temperror') return worst
  return { ...worst, result: 'permerror', why }
}

/** What an operator must hear of first. */
function severity({ result, policy }: DmarcResult): number {
  if (result === 'fail' && policy !== undefined && policy !== 'none') return policy === 'reject' ? 5 : 4
  return { temperror: 3, fail: 2, permerror: 1, none: 0, pass: 0 }[result]
}

async function judge(
  domain: string,
  spf: SpfResult,
  dkim: readonly CheckedSignature[],
  resolver: Lookup,
): Promise<DmarcResult> {
  const judged = await evaluate(domain, spf, dkim, ['pass'], resolver)
  if (judged.result !== 'fail') return judged
  // What the DNS left open could have passed. When that would have changed the verdict, there is no verdict yet.
  const isOpen = spf.result === 'temperror' || dkim.some(({ result }) => result.result === 'temperror')
  if (!isOpen) return judged
  const atBest = await evaluate(domain, spf, dkim, ['pass', 'temperror'], resolver)
  return atBest.result === 'fail' ? judged : { ...judged, result: 'temperror', why: 'SPF or DKIM could not be checked' }
}

/** `counting`: the results of SPF and DKIM that count as a pass. */
async function evaluate(
  domain: string,
  spf: SpfResult,
  dkim: readonly CheckedSignature[],
  counting: readonly string[],
  resolver: Lookup,
): Promise<DmarcResult> {
  const dkimDomains = dkim
    .filter(({ result }) => counting.includes(result.result) && result.domain !== '')
    .map(({ result, underSized }) => ({ domain: result.domain, underSized }))
  const spfDomains = counting.includes(spf.result) && spf.domain !== '' ? [spf.domain] : []
  const { response, reason } = await evaluateDmarc({
    headerFrom: domain,
    spfDomains,
    dkimDomains,
    resolver,
    strict: true,
  })
  if (response === false) return { result: 'none', domain, why: reason ?? '' }
  const policy: DmarcPolicy | undefined = policies.find((known) => known === response.policy)
  const result = oneOf(results, response.status.result, 'permerror')
  return {
    result,
    domain,
    ...(policy === undefined ? {} : { policy }),
    why: response.error ?? textOf(response.status.comment),
  }
}
