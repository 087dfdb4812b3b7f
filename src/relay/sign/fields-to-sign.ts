/** Which fields a signature covers (RFC 6376 section 5.4). */
import type { Field, Header } from '../../mail/header/header.ts'

/**
 * Named in h= once more than they occur, so that one added later breaks the signature (RFC 6376 section 5.4.2): these
 * decide what a reader sees, whom a reply goes to, and how the body is read.
 */
const sealedNames = [
  'From',
  'To',
  'Cc',
  'Subject',
  'Date',
  'Reply-To',
  'Sender',
  'Message-ID',
  'In-Reply-To',
  'References',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
  'Resent-Date',
  'Resent-From',
  'Resent-Sender',
  'Resent-To',
  'Resent-Cc',
  'Resent-Message-ID',
] as const

/**
 * Covered where they occur (RFC 6376 section 5.4.1; RFC 8058 section 4 wants the two List-Unsubscribe fields covered).
 * Not sealed: a mailing list that leaves the rest alone may add them. Nothing else is signed: Received, Return-Path,
 * Authentication-Results, ARC and X- fields belong to whoever carries the mail.
 */
const coveredNames = [
  'List-Id',
  'List-Help',
  'List-Unsubscribe',
  'List-Unsubscribe-Post',
  'List-Subscribe',
  'List-Post',
  'List-Owner',
  'List-Archive',
] as const

export type SignedFields = {
  /** For h=, in order. */
  readonly names: readonly string[]
  /** What those names select, in the same order; names beyond the last field select nothing. */
  readonly fields: readonly Field[]
}

export function fieldsToSign(header: Header): SignedFields {
  return select(header, wanted)
}

/**
 * For an ARC-Message-Signature: the signatures of others as well (RFC 8617 section 4.1.2), which the next one may look at. Never
 * Authentication-Results or ARC fields, which the same section forbids.
 */
export function fieldsToSeal(header: Header): SignedFields {
  return select(header, [...wanted, { name: 'DKIM-Signature', key: 'dkim-signature', sealed: false }])
}

type Wanted = { readonly name: string; readonly key: string; readonly sealed: boolean }

function select(header: Header, wantedNames: readonly Wanted[]): SignedFields {
  const byKey = groupByKey(header)
  const names: string[] = []
  const fields: Field[] = []
  for (const { name, key, sealed } of wantedNames) {
    // RFC 6376 section 5.4.2: a verifier takes fields of one name from the bottom of the header upwards.
    for (const field of (byKey.get(key) ?? []).toReversed()) {
      names.push(name)
      fields.push(field)
    }
    if (sealed) names.push(name)
  }
  return { names, fields }
}

const wanted: readonly Wanted[] = [
  ...sealedNames.map((name) => ({ name, key: name.toLowerCase(), sealed: true })),
  ...coveredNames.map((name) => ({ name, key: name.toLowerCase(), sealed: false })),
]

function groupByKey(header: Header): ReadonlyMap<string, Field[]> {
  const groups = new Map<string, Field[]>()
  for (const field of header.fields) {
    const group = groups.get(field.key)
    if (group === undefined) groups.set(field.key, [field])
    else group.push(field)
  }
  return groups
}
