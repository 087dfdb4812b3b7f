/**
 * An ARC set of ours (RFC 8617 section 5.1): what we found out about a message, its signature as it leaves, and a seal over
 * both and over all sets before.
 */
import { domainKey } from '../../mail/address/address.ts'
import type { Header } from '../../mail/header/header.ts'
import type { Content } from '../../mail/message/message.ts'
import { type ArcSet, maxInstance, readArcChain } from './arc-chain.ts'
import { bodyHash } from './body-hash.ts'
import { canonicalHeader, relaxedField } from './canonical-header.ts'
import { fieldsToSeal } from './fields-to-sign.ts'
import { makeSignature, seconds } from './make-signature.ts'
import type { Signer } from './sign.ts'
import { finishedField, unsignedArcSignature, unsignedSeal } from './signature-field.ts'

export type ChainStatus = 'none' | 'pass' | 'fail'

export type Sealing = {
  readonly signer: Signer
  /** Of the chain as it came, before anything was changed. */
  readonly chain: ChainStatus
  /** What an Authentication-Results field says, from the authserv-id on. */
  readonly results: string
}

export type Sealed =
  | { readonly kind: 'sealed'; readonly text: string; readonly instance: number }
  | { readonly kind: 'not'; readonly why: string }

/**
 * The three fields of the set, to be put on top of everything. `header` and `body` are the copy as it leaves, without what we
 * put above it.
 */
export async function seal(header: Header, body: Content, sealing: Sealing, now: Date): Promise<Sealed> {
  const place = placeInChain(header, sealing.chain)
  if (typeof place === 'string') return { kind: 'not', why: place }
  const { signer } = sealing
  const { sets, instance } = place
  const results = `ARC-Authentication-Results: i=${instance}; ${sealing.results}\r\n`
  const common = {
    instance,
    algorithm: signer.algorithm,
    domain: domainKey(signer.domain),
    selector: signer.selector,
    at: seconds(now),
  }
  const { names, fields } = fieldsToSeal(header)
  const unsigned = unsignedArcSignature({ ...common, names, bodyHash: await bodyHash(body) })
  const covered = canonicalHeader(fields) + relaxedField(unsigned)
  const signature = finishedField(unsigned, await makeSignature(signer, Buffer.from(covered, 'latin1')))

  // RFC 8617 section 5.1.1: each set in order, and in each set results, signature, seal; ours with an empty b=.
  const blank = unsignedSeal({ ...common, cv: sealing.chain })
  const chain = sets.flatMap((set) => [set.results.raw, set.signature.raw, set.seal.raw])
  const whole = [...chain, results, signature].map((raw) => `${relaxedField(raw)}\r\n`).join('') + relaxedField(blank)
  const sealed = finishedField(blank, await makeSignature(signer, Buffer.from(whole, 'latin1')))
  return { kind: 'sealed', text: sealed + signature + results, instance }
}

type Place = { readonly instance: number; readonly sets: readonly ArcSet[] }

/** Where our set goes and which sets its seal covers, or why there is none. */
function placeInChain(header: Header, status: ChainStatus): Place | string {
  const { sets, highest, hasFailed } = readArcChain(header)
  if (hasFailed) return `the chain has failed before, at i=${highest}`
  if (highest >= maxInstance) return `the chain has ${maxInstance} sets, which is the most there can be`
  const instance = highest + 1
  // RFC 8617 section 5.1.2: over a chain that failed only our own set is sealed, so that our word that it failed can be read.
  if (status === 'fail') return instance === 1 ? 'its ARC fields make no chain' : { instance, sets: [] }
  if (sets === undefined || (status === 'none') !== (highest === 0))
    return 'its ARC fields are not those that were checked'
  return { instance, sets }
}
