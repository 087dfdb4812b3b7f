/** What was found out about a message's origin: plain data, kept with a queued message as JSON. */

/** RFC 7208 section 2.6. */
export type SpfResult = {
  readonly result: 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror'
  /** Which identity was asked about: HELO where MAIL FROM is the null sender (RFC 7208 section 2.4). */
  readonly identity: 'mailfrom' | 'helo'
  /** Lower-case A-label; '' when the identity has none. */
  readonly domain: string
  readonly why: string
}

/** One signature, in the words of RFC 8601 section 2.7.1. */
export type DkimResult = {
  readonly result: 'none' | 'pass' | 'fail' | 'policy' | 'neutral' | 'temperror' | 'permerror'
  /** d=, s=, a= and the first characters of b= as they stand in the signature: text of a stranger. */
  readonly domain: string
  readonly selector: string
  readonly algorithm: string
  readonly signature: string
  readonly why: string
}

export type DmarcPolicy = 'none' | 'quarantine' | 'reject'

/** RFC 9989 and RFC 8601 section 2.7.2. */
export type DmarcResult = {
  readonly result: 'none' | 'pass' | 'fail' | 'temperror' | 'permerror'
  /** Domain of From that this is about; '' when there is none. */
  readonly domain: string
  /** What the domain asks receivers to do with mail that fails, for this very name; absent when it is not known. */
  readonly policy?: DmarcPolicy
  readonly why: string
}

/** RFC 8617 section 4.4; `temperror` where the DNS left it open, which the RFC would call fail for ever. */
export type ArcResult = {
  readonly result: 'none' | 'pass' | 'fail' | 'temperror'
  /** d= of the newest seal, when the chain passed. */
  readonly sealer: string
  /** What the newest sealer had seen of DMARC, when the chain passed. */
  readonly dmarc: string
  readonly why: string
}

export type Authentication = {
  readonly address: string
  readonly spf: SpfResult
  /** In the order of the message; one with `none` when it has no signature. */
  readonly dkim: readonly DkimResult[]
  readonly dmarc: DmarcResult
  readonly arc: ArcResult
}
