/** DKIM signatures (RFC 6376), and the newest signature of an ARC chain, which is verified in the same run over the body. */
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { DkimVerifier, type Headers, type Result, type Signature } from 'mailauth/lib/dkim/dkim-verifier.js'
import { type Lookup, oneOf, textOf } from './lookup.ts'
import type { DkimResult } from './result.ts'

/** What a message may cost: a stranger writes as many signatures, and as long ones, as he likes. */
export const limits = {
  signatures: 10,
  /** Each different canonicalisation, algorithm and l= is one more run over the body. */
  bodyHashes: 3,
  /** Names in h=: each is looked for among all fields. */
  names: 500,
  fieldBytes: 16 * 1024,
  headerBytes: 512 * 1024,
  headerLines: 10_000,
  /** White space in one go. */
  blanks: 1000,
} as const

/** RFC 8301 section 3.2. */
export const minBitLength = 1024

/** `underSized`: bytes of the body that l= leaves out. */
export type CheckedSignature = { readonly result: DkimResult; readonly underSized: number }

export type Signatures =
  | { readonly kind: 'read'; readonly verifier: DkimVerifier }
  /** Nothing was verified. */
  | { readonly kind: 'unread'; readonly why: string }

/** Reads the message once and verifies what is signed in it; results follow in the functions that know what they mean. */
export async function readSignatures(content: Uint8Array, resolver: Lookup): Promise<Signatures> {
  if (isTooLarge(content)) return { kind: 'unread', why: 'the header is too large to be checked' }
  const verifier = new BoundedVerifier({ resolver, strict: true, sender: 'nobody@invalid', minBitLength })
  try {
    await feed(verifier, content)
    return { kind: 'read', verifier }
  } catch (error) {
    return { kind: 'unread', why: error instanceof Error ? error.message : String(error) }
  }
}

export function checkDkim(signatures: Signatures): readonly CheckedSignature[] {
  if (signatures.kind === 'unread')
    return [{ result: { ...unsigned, result: 'permerror', why: signatures.why }, underSized: 0 }]
  const { verifier } = signatures
  // One result for each signature, in order; a single one when there is none.
  const covering = verifier.signatureHeaders.filter(({ type }) => type === 'DKIM')
  return verifier.results.map((result, i) => ({
    result: withoutAdded(resultOf(result), covering[i], verifier.headers),
    underSized: result.status.underSized ?? 0,
  }))
}

/** At most one of each (RFC 5322 section 3.6, RFC 2045): a reader shows one, and it need not be the one that was signed. */
const singleFields = [
  ...['from', 'sender', 'reply-to', 'to', 'cc', 'subject', 'date', 'message-id', 'in-reply-to', 'references'],
  ...['mime-version', 'content-type', 'content-transfer-encoding'],
]

/** RFC 6376 section 8.15: a field that was added above a signed one passes by the letter, and is how signed mail is abused. */
function withoutAdded(result: DkimResult, signature: Signature | undefined, headers: Headers | false): DkimResult {
  if (result.result !== 'pass' || signature === undefined || headers === false) return result
  const covered = count(textOf(signature.parsed?.h?.value).toLowerCase().split(':'))
  const present = count(headers.parsed.map(({ key }) => key))
  const added = singleFields.find((name) => covered(name) > 0 && present(name) > 1 && present(name) > covered(name))
  return added === undefined
    ? result
    : { ...result, result: 'policy', why: `a further ${added} that it does not cover` }
}

function count(names: readonly string[]): (name: string) => number {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return (name) => counts.get(name) ?? 0
}

const results = ['none', 'pass', 'fail', 'policy', 'neutral', 'temperror', 'permerror'] as const
const unsigned: DkimResult = { result: 'none', domain: '', selector: '', algorithm: '', signature: '', why: '' }

function resultOf({ status, signingDomain, selector, signature, algo }: Result): DkimResult {
  return {
    result: oneOf(results, status.result, 'neutral'),
    domain: textOf(signingDomain),
    selector: textOf(selector),
    algorithm: textOf(algo),
    // RFC 6008: enough to tell two signatures of one domain apart.
    signature: textOf(signature).slice(0, 8),
    why: textOf(status.comment),
  }
}

const unread: ReadonlySet<string> = new Set(['from', 'content-type', 'return-path'])

/** Looks at no more than the limits allow, and says so of the rest. */
class BoundedVerifier extends DkimVerifier {
  override async messageHeaders(headers: Headers): Promise<void> {
    let seen = 0
    // Those at the top are the newest. The others stay fields of the message: a signature may cover them. What mailauth
    // would read of From and Content-Type is not wanted here, and reading it can be made slow.
    const parsed = headers.parsed.map((field) =>
      unread.has(field.key) || (field.key === 'dkim-signature' && ++seen > limits.signatures)
        ? { ...field, key: '' }
        : field,
    )
    await super.messageHeaders({ ...headers, parsed })
    this.headers = headers
    this.#limitWork()
  }

  #limitWork(): void {
    const wanted = new Set<string>()
    // The chain first: its one signature must not lose to ten others.
    for (const signature of this.signatureHeaders.toSorted((a, b) => a.type.localeCompare(b.type))) {
      const keys = [signature.bodyHashKey, signature.fallbackBodyHashKey].filter((key) => key !== undefined)
      if (isTooLong(signature)) signature.invalid = 'the signature is too long to be checked'
      else if (new Set([...wanted, ...keys]).size > limits.bodyHashes)
        signature.invalid = 'too many different ways to hash the body'
      else for (const key of keys) wanted.add(key)
    }
    for (const key of this.bodyHashes.keys()) if (!wanted.has(key)) this.bodyHashes.delete(key)
  }
}

function isTooLong({ original, parsed }: Signature): boolean {
  return original.length > limits.fieldBytes || textOf(parsed?.h?.value).split(':').length > limits.names
}

const manyBlanks = new RegExp(`[ \\t\\r\\n]{${limits.blanks}}`)

/** Beyond this the time that mailauth takes to read a header is no longer in proportion to it. */
function isTooLarge(content: Uint8Array): boolean {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  const end = bytes.indexOf('\r\n\r\n')
  const headerEnd = end < 0 ? bytes.length : end
  if (headerEnd > limits.headerBytes) return true
  const header = bytes.toString('latin1', 0, headerEnd)
  return header.split('\n').length > limits.headerLines || manyBlanks.test(header)
}

const sliceBytes = 64 * 1024

/** In slices, between which other messages get their turn. */
async function feed(verifier: DkimVerifier, content: Uint8Array): Promise<void> {
  const finished = once(verifier, 'finish')
  for (let at = 0; at < content.length; at += sliceBytes) {
    const slice = content.subarray(at, at + sliceBytes)
    const written = new Promise<void>((resolve, reject) => {
      verifier.write(Buffer.from(slice.buffer, slice.byteOffset, slice.length), (error) =>
        error ? reject(error) : resolve(),
      )
    })
    await Promise.race([written, finished])
    if (content.length > sliceBytes) await turn()
  }
  verifier.end()
  await finished
}
