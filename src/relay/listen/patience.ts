/**
 * How long a client may take (docs/failures.md; RFC 5321 section 4.5.3.2). One clock that ticks for the whole listener, no timer per
 * connection: what a message costs must not depend on how patient we are.
 */
import type { Limits } from './limits.ts'

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

  /** A new wait begins; a command that was answered begins one too. Trickling content does not. */
  enter(phase: Phase, now: number, isNew: boolean): void {
    if (phase === this.#phase && !isNew) return
    this.#phase = phase
    this.#since = now
    this.#bytes = 0
  }

  heard(bytes: number, now: number): void {
    this.#heard = now
    this.#bytes += bytes
  }

  /** Is it too much? Asked at every tick. */
  isOver(now: number, limits: Limits, isStranger: boolean): boolean {
    const waited = now - this.#since
    switch (this.#phase) {
      case 'handshake':
        return waited > limits.handshakeMs
      case 'command': {
        const silence = now - Math.max(this.#heard, this.#since)
        return waited > limits.commandMs || silence > (isStranger ? limits.strangerIdleMs : limits.idleMs)
      }
      case 'content':
        return this.#isTooSlow(waited, now, limits)
      case 'unread':
        return waited > limits.writeStallMs
      case 'goodbye':
        return waited > goodbyeMs
      case 'backend':
        return false
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
