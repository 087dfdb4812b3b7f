/**
 * Signs a copy as it will leave: DKIM (RFC 6376, 8301, 8463), relaxed/relaxed.
 *
 * Promises: one hash of the body for all signers and all copies that share its `Content`; RSA and Ed25519 run on the
 *   thread pool; time and memory are linear in the message, whatever its bytes and however its pieces are cut.
 * Never: l= (bytes could be added below the signed part), trace fields in h=, a change to the message.
 * On failure: rejects only for a key that does not fit its algorithm, which is a fault of the caller.
 */
import type { KeyObject } from 'node:crypto'
import { domainKey } from '../../mail/address/address.ts'
import type { Header } from '../../mail/header/header.ts'
import type { Content } from '../../mail/message/message.ts'
import { bodyHash } from './body-hash.ts'
import { canonicalHeader, relaxedField } from './canonical-header.ts'
import { fieldsToSign } from './fields-to-sign.ts'
import { makeSignature, seconds } from './make-signature.ts'
import { finishedField, unsignedField } from './signature-field.ts'

export { type ChainStatus, type Sealed, type Sealing, seal } from './seal.ts'

export type Algorithm = 'rsa-sha256' | 'ed25519-sha256'

export type Signer = {
  /** In any spelling; d= carries its A-label. */
  readonly domain: string
  readonly selector: string
  readonly algorithm: Algorithm
  /** Parsed once by its owner: parsing a PEM costs as much as half a signature. */
  readonly key: KeyObject
  /** Days until x=; 7 when absent, 0 for a signature without an end. */
  readonly lifetimeDays?: number
}

/**
 * x= stands a week after t=, which bounds replay of a captured copy. A relay after us gives up after five days at most
 * (RFC 5321 section 4.5.4.1), and our own queue signs each attempt afresh, so that honest mail never gets that old.
 */
const defaultLifetimeDays = 7

/**
 * DKIM-Signature fields, one per signer in the same order, each a binary string with its folding and final CRLF, to be
 * put above the header. `body` is what follows the empty line, byte for byte as it will be sent.
 */
export async function sign(
  header: Header,
  body: Content,
  signers: readonly Signer[],
  now: Date,
): Promise<readonly string[]> {
  if (signers.length === 0) return []
  const signed = fieldsToSign(header)
  const common = { names: signed.names, bodyHash: await bodyHash(body), at: seconds(now) }
  const text = canonicalHeader(signed.fields)
  return Promise.all(signers.map((signer) => signOne(text, signer, common)))
}

type Common = { readonly names: readonly string[]; readonly bodyHash: string; readonly at: number }

async function signOne(headerText: string, signer: Signer, common: Common): Promise<string> {
  const days = signer.lifetimeDays ?? defaultLifetimeDays
  const unsigned = unsignedField({
    ...common,
    algorithm: signer.algorithm,
    domain: domainKey(signer.domain),
    selector: signer.selector,
    expires: days === 0 ? undefined : common.at + days * 86_400,
  })
  // RFC 6376 section 3.7: the signature's own field comes last, with an empty b= and without its CRLF.
  const covered = Buffer.from(headerText + relaxedField(unsigned), 'latin1')
  return finishedField(unsigned, await makeSignature(signer, covered))
}
