/** The queue as the rest of the gateway sees it. */
import type { Figures, LaneFigures, Totals } from './figures.ts'
import type { HoldCause, KeptMessage, KeptRecipient, Listed, NewMessage, RecipientState, Trouble } from './message.ts'
import type { ClaimQuery, FinishMore, Late, Lease, Put, Result, Work } from './work.ts'

/** All that is said must hold. Addresses and domains are compared as the directory compares them. */
export type Filter = {
  /** Of messages. */
  readonly ids?: readonly string[]
  /** Of the recipient. */
  readonly domain?: string
  readonly recipient?: string
  readonly sender?: string
  readonly lane?: string
  readonly state?: RecipientState
  readonly cause?: HoldCause
  readonly trouble?: Trouble
  readonly olderThanMs?: number
  readonly peer?: string
}

/** `after`: the `next` of the page before. */
export type Page = { readonly limit: number; readonly after?: string }

/** `isWhole`: all recipients of each message that the filter fits; the first hundred otherwise, and how many more there are. */
export type ListPage = Page & { readonly isWhole?: boolean }

/** A page may hold fewer items than its limit, even none, and still have a next one: each looks at a bounded number of rows. */
export type Paged<T> = { readonly items: readonly T[]; readonly next?: string }

/** A message that somebody changed by hand, and those of its recipients whom it concerned. */
export type Touched = {
  readonly id: string
  readonly messageId: string
  readonly sender: string
  readonly recipients: readonly string[]
}
/** Hears of them step by step, after each step is on disk. */
export type Tell = (touched: readonly Touched[]) => void

export type HeldRecipient = { readonly message: KeptMessage; readonly recipient: KeptRecipient }

/** Lets the held mail of a domain go; survives a restart. The relay carries it out. */
export type ReleaseOrder = {
  readonly domain: string
  /** Each recipient only once a probe showed that the target accepts the address. */
  readonly whenAccepted: boolean
  readonly perMinute: number
  readonly by: string
  readonly at: number
  readonly released: number
  readonly asked: number
  readonly notAccepted: number
  /** When something was let go last, or it was ordered. */
  readonly progressAt: number
  /** Of those not accepted: how often, and the last words. */
  readonly noes: readonly (ProbeNo & { readonly count: number })[]
}

export type EndedOrder = ReleaseOrder & { readonly endedAt: number }

/** refused: for good. later: not now, or not before its setup is mended. unreached: there was nobody to be asked. */
export type ProbeNo = { readonly kind: 'refused' | 'later' | 'unreached'; readonly words: string }

export type NewReleaseOrder = Pick<ReleaseOrder, 'domain' | 'whenAccepted' | 'perMinute' | 'by'>

/** Somebody who was asked to come back later, at RCPT. */
export type Attempted = {
  readonly domain: string
  readonly at: number
  readonly address: string
  readonly helo: string
  /** What the connection was encrypted with; '' when it was not. */
  readonly tls: string
  readonly sender: string
  readonly recipient: string
}

export type AttemptRow = {
  /** For `Page.after`. */
  readonly id: string
  readonly sender: string
  readonly recipient: string
  readonly firstAddress: string
  readonly lastAddress: string
  readonly helo: string
  readonly tls: string
  readonly firstAt: number
  readonly lastAt: number
  readonly count: number
  /** When a message of this sender for this recipient was taken afterwards, or refused for good; asked to come back again, the row begins anew. */
  readonly cameBackAt?: number
  /** It came back under another envelope sender of the same domain: bounce addresses are made anew for each try. */
  readonly cameBackAs?: string
  /** When a person said that he has seen to it, and who; asked to come back again, the row begins anew. */
  readonly settledAt?: number
  readonly settledBy?: string
}

/** Whether the project has them or not. */
export type Domains = { readonly held: readonly string[]; readonly attempted: readonly string[] }

export type Queue = {
  /** ms since 1970. The wall clock when the queue was opened plus what a clock that nobody sets has counted since. */
  now(): number
  readonly figures: Figures

  /** Resolves when the message is on disk, or will never be there; never rejects. */
  put(message: NewMessage): Promise<Put>
  /** Rejects when the disk fails, as all that follow do. */
  claim(query: ClaimQuery): Promise<readonly Work[]>
  /** The message as it came; undefined when it is no longer in the queue. */
  content(id: string): Promise<Buffer | undefined>
  /** The lease begins anew; false when it has ended. */
  extend(lease: Lease): Promise<boolean>
  /** Lanes where something of the lease's message waits that is late, and nobody works on it; a thousand at most. */
  lateLanes(lease: Lease, late: Omit<Late, 'lanes'>): Promise<readonly string[]>
  /**
   * What of the lease's message is late in these lanes comes to the holder, and runs; it is finished as all that the lease covers.
   * Nothing when the lease has ended. Rejects when the disk fails.
   */
  join(lease: Lease, late: Late): Promise<readonly KeptRecipient[]>
  /**
   * All in one commit. Recipients of the lease that are not named stay with it, running; those on which nothing will be done
   * are to be given back `unchanged`. false: the lease had ended, or did not cover one of them; nothing was written. Rejects
   * when the disk fails: finish again, do not attempt again.
   */
  finish(lease: Lease, results: readonly Result[], more?: FinishMore): Promise<boolean>

  // By hand. Each says how many recipients it touched; a running one is never touched. Done in steps of bounded length, so
  // that a domain with a million messages holds up nobody; a process that ends in between has done a part.
  hold(filter: Filter, by: string, tell?: Tell): Promise<number>
  release(filter: Filter, by: string, tell?: Tell): Promise<number>
  /** Waiting ones are due now. */
  retry(filter: Filter, by: string, tell?: Tell): Promise<number>
  drop(filter: Filter, by: string, tell?: Tell): Promise<number>
  /** Of messages that came through a tenant's connector. */
  wishReturn(filter: Filter, by: string, tell?: Tell): Promise<number>

  /**
   * What is held because its tenant was gone waits again, now that these tenants are there. Its age begins anew, and a hold of its
   * domain counts: nobody let it go. Reports of ours come along, whosesoever they are.
   */
  resume(tenants: readonly string[], tell?: Tell): Promise<number>

  /** Oldest first; of each message those recipients that the filter fits, 100 at most. */
  list(filter: Filter, page: ListPage): Promise<Paged<Listed>>
  /** With all its recipients. */
  show(id: string): Promise<Listed | undefined>
  totals(): Promise<Totals>
  lanes(): Promise<readonly LaneFigures[]>
  /** The message received first of those with a waiting recipient. */
  oldest(): Promise<KeptMessage | undefined>
  /** Counts every row; undefined when all totals add up, otherwise what does not. */
  check(): Promise<string | undefined>

  /** An order for a domain that has one replaces it, and counts from 0. */
  orderRelease(order: NewReleaseOrder): Promise<void>
  /** With what came of it; undefined when there was none. */
  endRelease(domain: string): Promise<EndedOrder | undefined>
  releaseOrders(): Promise<readonly ReleaseOrder[]>
  /** The one of the domain that ended last. */
  lastRelease(domain: string): Promise<EndedOrder | undefined>
  /** Domains with mail that is held because of them, and those that somebody was asked to come back to. */
  domains(): Promise<Domains>
  /** How many recipients are held for this reason, counted up to `most`; costs no more than that, however many are held for others. */
  heldFor(cause: Exclude<HoldCause, 'domain'>, most: number): Promise<number>
  /** Held because of the domain, in the order of arrival. */
  nextHeld(domain: string, limit: number, after?: string): Promise<Paged<HeldRecipient>>
  /** Releases these of the domain and counts them, and what was asked, in its order; says how many were still held. */
  letGo(domain: string, step: ReleaseStep): Promise<number>

  /** On disk when it resolves. */
  attempted(attempt: Attempted): Promise<void>
  /** A message of this sender for this recipient has been taken, or refused for good. Costs nothing while the ledger is empty. */
  cameBack(sender: string, recipient: string, at: number): void
  /** A person has seen to those of the domain who have not come back. Says how many. */
  settleAttempts(domain: string, by: string): Promise<number>
  attempts(domain: string, page: Page): Promise<readonly AttemptRow[]>

  /** Leases that ended, content that belongs to nothing, space given back. The queue does it by itself every few seconds. */
  sweep(): Promise<void>
  /** What was asked before is done first. */
  close(): Promise<void>
}

export type ReleaseStep = {
  readonly recipients: readonly { readonly id: string; readonly n: number }[]
  readonly asked?: number
  readonly notAccepted?: number
  /** Each of them. */
  readonly noes?: readonly ProbeNo[]
}
