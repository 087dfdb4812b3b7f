/**
 * Questions to the DNS. A resolver is made once and passed in; nobody asks by the way.
 *
 * Promises: three answers (found, absent, unknown); what was asked a moment ago is answered from memory, which is
 * bounded; the same question asked twice at once goes out once.
 * Never: throws; says "absent" when a server was unwell, silent or refused.
 * On failure: `unknown` with the reason, which its asker turns into "later" (4xx), never into "no".
 */
export { mailHosts } from './mail-hosts.ts'
export { makeResolver, type ResolverOptions } from './resolver.ts'

/** The result of asking something that may itself be unwell. "absent" is an answer; "unknown" is not: defer. */
export type Answer<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'absent'; readonly why?: string }
  | { readonly kind: 'unknown'; readonly why: string }

/** Of "absent" it can matter whether the name has other records (NODATA) or does not exist at all (NXDOMAIN, RFC 2308). */
export type RecordAnswer<T> =
  | Exclude<Answer<T>, { kind: 'absent' }>
  | { readonly kind: 'absent'; readonly why?: string; readonly nameExists: boolean }

export type Mx = { readonly host: string; readonly preference: number }

export type HostAddress = { readonly address: string; readonly family: 4 | 6 }

export type Resolver = {
  /** MX records as they stand, best preference first; `host` is '' for the root (RFC 7505). */
  mx(domain: string): Promise<Answer<readonly Mx[]>>
  /** A and AAAA records, IPv4 first. An address literal (bare, or `[…]` as in RFC 5321 section 4.1.3) is its own answer. */
  addresses(host: string): Promise<Answer<readonly HostAddress[]>>
  /** Each TXT record as one string (RFC 7208 section 3.3). */
  txt(name: string): Promise<Answer<readonly string[]>>
  ns(name: string): Promise<Answer<readonly string[]>>
  cname(name: string): Promise<Answer<string>>
  /** Forgets what is remembered; with questions under way their askers get `unknown`. */
  close(): void
}

/** What checking the authentication of mail asks besides (RFC 7208 section 5, RFC 9989): one type of record at a time. */
export type RecordResolver = Resolver & {
  /** A, AAAA and PTR records as text; `name` of PTR is the one under in-addr.arpa or ip6.arpa. */
  records(type: RecordType, name: string): Promise<RecordAnswer<readonly string[]>>
}
export type RecordType = 'A' | 'AAAA' | 'PTR' | 'TXT' | 'CNAME'
