/** What the queue and its thread say to each other. */
import type { HandStep, HandStepDone, ResumeStep } from './by-hand.ts'
import type {
  Attempted,
  AttemptRow,
  Domains,
  EndedOrder,
  Filter,
  HeldRecipient,
  NewReleaseOrder,
  Paged,
  ReleaseOrder,
  ReleaseStep,
} from './contract.ts'
import type { Figures, LaneFigures, Totals } from './figures.ts'
import type { Finished } from './finish.ts'
import type { CameBack, Settled } from './ledger.ts'
import type { ContentSlice } from './look.ts'
import type { HoldCause, KeptMessage, KeptRecipient, Listed } from './message.ts'
import type { Part, PutMessage } from './put.ts'
import type { ClaimQuery, Late, Work } from './work.ts'

/** `isFirst`: no other thread of this process had the file before, so leases that it finds are of a process that ended. */
export type ThreadOptions = {
  readonly dir: string
  readonly leaseMs: number
  readonly at: number
  readonly isFirst: boolean
}

/** Those that write share a commit. */
export type Write =
  | { readonly do: 'put'; readonly message: PutMessage }
  | ({ readonly do: 'part' } & Part)
  | { readonly do: 'abandon'; readonly id: string }
  | { readonly do: 'claim'; readonly query: ClaimQuery }
  | { readonly do: 'extend'; readonly token: string }
  | { readonly do: 'join'; readonly token: string; readonly late: Late }
  | ({ readonly do: 'finish' } & Finished)
  | ({ readonly do: 'byHand' } & HandStep)
  | ({ readonly do: 'resume' } & ResumeStep)
  | { readonly do: 'order'; readonly order: NewReleaseOrder }
  | { readonly do: 'endOrder'; readonly domain: string }
  | { readonly do: 'letGo'; readonly domain: string; readonly step: ReleaseStep }
  | { readonly do: 'attempted'; readonly attempt: Attempted }
  | ({ readonly do: 'cameBack' } & CameBack)
  | { readonly do: 'settleAttempts'; readonly domain: string; readonly by: string }
  | { readonly do: 'sweep' }

export type Read =
  | { readonly do: 'content'; readonly id: string; readonly from: number }
  | {
      readonly do: 'list'
      readonly filter: Filter
      readonly limit: number
      readonly after: number
      readonly isWhole: boolean
    }
  | { readonly do: 'lateLanes'; readonly token: string; readonly late: Omit<Late, 'lanes'> }
  | { readonly do: 'show'; readonly id: string }
  | { readonly do: 'totals' }
  | { readonly do: 'lanes' }
  | { readonly do: 'oldest' }
  | { readonly do: 'check' }
  | { readonly do: 'orders' }
  | { readonly do: 'lastOrder'; readonly domain: string }
  | { readonly do: 'domains' }
  | { readonly do: 'heldFor'; readonly cause: HoldCause; readonly most: number }
  | { readonly do: 'nextHeld'; readonly domain: string; readonly limit: number; readonly after: string | undefined }
  | { readonly do: 'attempts'; readonly domain: string; readonly limit: number; readonly after: number }

/** What each is answered with. */
export type Answers = {
  /** The token of a lease. */
  put: string | undefined
  part: undefined
  abandon: undefined
  claim: readonly Work[]
  extend: boolean
  join: readonly KeptRecipient[]
  finish: boolean
  byHand: HandStepDone
  resume: HandStepDone
  order: undefined
  endOrder: EndedOrder | undefined
  letGo: number
  attempted: undefined
  cameBack: undefined
  settleAttempts: Settled
  /** There is more to do. */
  sweep: boolean
  content: ContentSlice | undefined
  list: Paged<Listed>
  lateLanes: readonly string[]
  show: Listed | undefined
  totals: Totals
  lanes: readonly LaneFigures[]
  oldest: KeptMessage | undefined
  check: string | undefined
  orders: readonly ReleaseOrder[]
  lastOrder: EndedOrder | undefined
  domains: Domains
  heldFor: number
  nextHeld: Paged<HeldRecipient>
  attempts: readonly AttemptRow[]
}

const reading: ReadonlySet<string> = new Set<Read['do']>([
  'content',
  'list',
  'lateLanes',
  'show',
  'totals',
  'lanes',
  'oldest',
  'check',
  'orders',
  'lastOrder',
  'domains',
  'heldFor',
  'nextHeld',
  'attempts',
])

export function isRead(ask: Ask): ask is Read {
  return reading.has(ask.do)
}

export type Ask = Write | Read
export type AskFor<K extends keyof Answers> = Extract<Ask, { readonly do: K }>
export type Answer = Answers[keyof Answers]

/** `at`: the queue's clock when it was asked. */
export type ToThread =
  | { readonly kind: 'ask'; readonly number: number; readonly at: number; readonly ask: Ask }
  | { readonly kind: 'close' }

export type Answered<A> =
  | { readonly number: number; readonly ok: true; readonly value: A }
  | { readonly number: number; readonly ok: false; readonly why: string; readonly isFull: boolean }

export type FromThread<A> =
  | { readonly kind: 'opened'; readonly figures: Figures }
  | { readonly kind: 'notOpened'; readonly why: string }
  | { readonly kind: 'answered'; readonly answers: readonly Answered<A>[]; readonly figures?: Figures }
