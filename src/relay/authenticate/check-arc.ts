/** The ARC chain (RFC 8617 section 5.2): every seal, and the newest signature, which the DKIM run has verified. */
import { arc } from 'mailauth/lib/arc/index.js'
import type { ArcSet, Seal } from 'mailauth/lib/dkim/dkim-verifier.js'
import { minBitLength, type Signatures } from './check-dkim.ts'
import { type Lookup, oneOf, textOf } from './lookup.ts'
import type { ArcResult } from './result.ts'

const results = ['none', 'pass', 'fail'] as const

export async function checkArc(
  signatures: Signatures,
  resolver: Lookup,
  unanswered: ReadonlySet<string>,
): Promise<ArcResult> {
  if (signatures.kind === 'unread') return { result: 'fail', sealer: '', dmarc: '', why: signatures.why }
  const data = signatures.verifier.arc
  const found = await arc(data, { resolver, strict: true, minBitLength })
  const result = oneOf(results, found.status.result, 'fail')
  const chain = data.chain === false ? [] : data.chain
  const why = result === 'pass' ? '' : textOf(found.status.comment)
  // RFC 8617 section 5.2.1 would have this fail for good. A server that was unwell for a moment is no proof of anything.
  const open = result === 'fail' ? keyNames(chain).find((name) => unanswered.has(name)) : undefined
  if (open !== undefined)
    return { result: 'temperror', sealer: '', dmarc: '', why: `the DNS did not answer for ${open}` }
  if (result !== 'pass') return { result, sealer: '', dmarc: '', why }
  const dmarc = textOf(found.authenticationResults?.dmarc?.result)
  return { result, sealer: textOf(chain.at(-1)?.['arc-seal']?.parsed?.d?.value).toLowerCase(), dmarc, why }
}

function keyNames(chain: readonly ArcSet[]): readonly string[] {
  const seals = chain.map((set) => set['arc-seal'])
  return [...seals, chain.at(-1)?.['arc-message-signature']].flatMap((seal) =>
    seal === undefined ? [] : keyName(seal),
  )
}

const keyName = ({ parsed }: Seal): string => `${textOf(parsed?.s?.value)}._domainkey.${textOf(parsed?.d?.value)}`
