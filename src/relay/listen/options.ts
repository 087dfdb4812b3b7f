/** What a listener is made of and what can be asked of it. */
import type { SecureContextOptions } from 'node:tls'
import type { Budget } from '../budget.ts'
import type { Backend } from './backend.ts'
import type { LimitName, Limits } from './limits.ts'

export type ListenAddress = { readonly host: string; readonly port: number; readonly implicitTls?: boolean }

export type ListenOptions = {
  /** Our name in the greeting and the answer to EHLO. Read at each use: a project that is applied later brings its own. */
  readonly hostname: string
  readonly addresses: readonly ListenAddress[]
  /** Asked for at the start and by every `setTls()`; undefined: no TLS is offered. */
  readonly secureContext: () => SecureContextOptions | undefined
  /** Asked for at the start and by every `setLimits()`. */
  readonly limits?: Partial<Limits>
  /** What all who have messages in hand share. Without it the listener has one of its own. */
  readonly budget?: Budget
  readonly backend: Backend
  /** Load balancers: whoever connects from there begins with a PROXY header. Asked at each connection. */
  readonly isBalancer?: (address: string) => boolean
  /** Bare CR and bare LF in DATA: made CRLF, or refused. Default normalise: `docs/decisions/bare-line-ends.md`. */
  readonly bareLineEnds?: 'refuse' | 'normalise'
  /** What the backend threw, and what the listening sockets reported. */
  readonly onError?: (error: unknown, what: string) => void
}

export type Listener = {
  /** Where it listens, with the ports that the system chose. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
  readonly connections: number
  /** How often each limit was met since the start (docs/limits.md). */
  readonly limits: Readonly<Record<LimitName, number>>
  /** The reply to everybody who comes at this moment; undefined: there is a place, if not for the internet then for a tenant. */
  readonly full: string | undefined
  /** Takes `secureContext()` for all later handshakes. Throws, and keeps what it has, when that cannot be used. */
  setTls(): void
  /** Takes `limits` for all that comes later; who is in stays. */
  setLimits(): void
  /** Accepts nobody any more, tells idle clients 421, lets transactions end; after `ms` cuts what is left. */
  drain(ms: number): Promise<void>
}
