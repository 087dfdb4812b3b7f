/**
 * How long a client may take (docs/failures.md; RFC 5321 section 4.5.3.2). One clock that ticks for the whole listener, no timer per
 * connection: what a message costs must not depend on how patient we are.
 */
import type { LimitName, Limits } from './limits.ts'

/** Whom we are waiting for, and with what. */
export type Phase =
  | 'handshake'
  | 'command'
  | 'content'
  /** The backend: it bounds itself. */
  | 'backend'
  /** The client does not read what we wrote. */
  | 'unread'
  /** We have said the last word; the client should close. */
  | 'goodbye'

/** After our last word the client gets this long to read it. A connection closed at once would lose it (RFC 1122 section 4.2.2.13). */
const goodbyeMs = 5_000

export class Patience {
  #phase: Phase = 'command'
  #since: number
  #heard: number
  /** Content in the present window. */
  #bytes = 0

  constructor(now: number) {
    this.#since = now
    this.#heard = now
  }

  get phase(): Phase {
    return this.#phase
  }

  /**
   * A new wait begins; a command that was answered begins one too. Trickling content does not, nor does a further chunk of it:
   * one byte by each BDAT would be as slow as one byte by each packet.
   */
  enter(phase: Phase, now: number, isNew: boolean): void {
    if (phase === this.#phase && (!isNew || phase === 'content')) return
    this.#phase = phase
    this.#since = now
    this.#bytes = 0
  }

  heard(bytes: number, now: number): void {
    this.#heard = now
    this.#bytes += bytes
  }

  /** Which limit has been waited past, if any? Asked at every tick. */
  overdue(now: number, limits: Limits, isStranger: boolean): LimitName | undefined {
    const waited = now - this.#since
    switch (this.#phase) {
      case 'handshake':
        return waited > limits.handshakeMs ? 'handshakeMs' : undefined
      case 'command': {
        if (waited > limits.commandMs) return 'commandMs'
        const silence = now - Math.max(this.#heard, this.#since)
        return silence > (isStranger ? limits.strangerIdleMs : limits.idleMs) ? 'idleMs' : undefined
      }
      case 'content':
        return this.#isTooSlow(waited, now, limits) ? 'rateBytes' : undefined
      case 'unread':
      case 'goodbye':
        return waited > (this.#phase === 'goodbye' ? goodbyeMs : limits.writeStallMs) ? 'writeStallMs' : undefined
      case 'backend':
        return undefined
    }
  }

  /** Each window stands for itself: a fast beginning earns no slow end. */
  #isTooSlow(waited: number, now: number, limits: Limits): boolean {
    if (waited < limits.rateWindowMs) return false
    const tooSlow = this.#bytes < limits.rateBytes
    this.#since = now
    this.#bytes = 0
    return tooSlow
  }
}
