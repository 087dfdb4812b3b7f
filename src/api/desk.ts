/** What the resources work with: the running gateway, as far as an operator may see and change it. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { RecordResolver } from '../dns/dns.ts'
import type { Migrations } from '../migrate/migrate.ts'
import type { LiveProject } from '../project/project.ts'
import type { DiskWatch, Queue } from '../queue/queue.ts'
import type { DeliveryStats } from '../relay/deliver/deliver.ts'
import type { Account, Counts } from '../relay/record/record.ts'
import type { Vault } from '../secrets/vault/vault.ts'
import type { Audit } from '../store/store.ts'
import type { Trace } from '../trace/trace.ts'

export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

export type Desk = {
  /** Is this the token of the API? */
  readonly isToken: (presented: string) => boolean
  readonly live: LiveProject
  readonly trace: Trace
  readonly resolver: RecordResolver
  readonly audit: Audit
  readonly queue: Queue
  readonly disk: DiskWatch
  /** The mailbox move. */
  readonly migrations: Migrations
  /** Next hops in trouble are tried at once: whoever asks for that has mended something. */
  readonly tryLanes: () => void
  /** When a next hop in trouble is asked again, on the queue's clock. */
  readonly probeAt?: (lane: string) => number | undefined
  readonly passKey: Buffer
  readonly vault: Vault
  /** Figures of the running relay. */
  readonly figures: () => Figures
  readonly now: () => Date
  readonly log: (level: 'info' | 'warn' | 'error', what: string, facts?: Readonly<Record<string, unknown>>) => void
}

export type Figures = {
  readonly counts: Readonly<Counts>
  /** Recipients since the start: what we accepted, and what became of all of it. */
  readonly account: Account
  readonly connections: number
  /** How often each limit of the listener was met (docs/limits.md). */
  readonly limits: Readonly<Record<string, number>>
  readonly hops: DeliveryStats['destinations']
  readonly isListening: boolean
  /** What everybody hears who connects now, tenants too: there is no place for anybody. */
  readonly full?: string | undefined
}

/** What a question changes, though it is asked with a body. */
export const nothing = 'nothing'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without the token. */
    readonly isOpen?: boolean
    /** What the audit calls it. Every method other than GET says so, or that it changes `nothing`. */
    readonly changes?: string
  }
}
