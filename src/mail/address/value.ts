/** The kinds of local part that a mailbox of a person does not have, and the one that it has. */
export type AddressForm = 'person' | 'srs' | 'batv' | 'verp' | 'imceaex'

/** One addr-spec, understood (RFC 5322 section 3.4.1, RFC 6532). Frozen. */
export type Address = {
  /** Meaning: quotes, escapes, comments and folding removed. Unicode, not normalised. */
  readonly local: string
  /** As written without comments and folding: U-labels, A-labels, or a domain literal with its brackets. */
  readonly domain: string
  /** The local part was a quoted string, or had one in it. */
  readonly quoted: boolean
  /** Spelling to write: the local part as written (quotes kept), '@', the domain. */
  readonly text: string
  readonly form: AddressForm
}

/** Puts an address together. `spelling` is the local part as it is to be written, with its quotes. */
export function address(local: string, spelling: string, domain: string): Address {
  const quoted = spelling.includes('"')
  return Object.freeze({ local, domain, quoted, text: `${spelling}@${domain}`, form: formOf(local, quoted) })
}

/** The local part as it is to be written, with its quotes. */
export function localSpelling(a: Address): string {
  return a.text.slice(0, a.text.length - a.domain.length - 1)
}

// SRS0=, SRS1= and the two forms of Exchange Online: `user+SRS=hash=ts=domain=user` and `bounces+SRS=hash=ts`.
const SRS = /^srs[01][-+=]|\+srs=/i
// BATV, and the same idea under the names of Barracuda (btv1) and SparkPost (msprvs1).
const BATV = /^(?:prvs|btv1|msprvs1)=/i
// IMCEAEX-, and Exchange's capsules of the other address types: IMCEAINVALID-, IMCEAFAX-, ...
const CAPSULE = /^imcea[a-z0-9]+-/i

function formOf(local: string, quoted: boolean): AddressForm {
  if (local.length > 5 && (local.includes('=') || local.includes('-'))) {
    if (SRS.test(local)) return 'srs'
    if (BATV.test(local)) return 'batv'
    if (CAPSULE.test(local)) return 'imceaex'
  }
  // A tag with '=' carries an address or a cookie for a machine: VERP, never a person.
  const plus = quoted ? -1 : local.indexOf('+')
  return plus >= 0 && local.includes('=', plus) ? 'verp' : 'person'
}
