/**
 * One connection: input becomes lines or content, lines become commands, what they say goes back in the same order.
 * A command that waits for the backend stops the reading of commands, nothing else. Of SMTP only the greeting is decided here.
 */
import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import { spend } from '../../mail/message/message.ts'
import { type Reply, replies, replyLines } from '../../mail/reply/reply.ts'
import type { Client, Soon } from './backend.ts'
import { obey } from './commands.ts'
import type { Content, Conversation, House, Transaction } from './conversation.ts'
import { tlsInfo } from './handshake.ts'
import type { LimitName } from './limits.ts'
import { LineReader } from './line-reader.ts'
import { Patience, type Phase } from './patience.ts'
import type { Full, Stay } from './places.ts'
import { readProxyHeader } from './proxy-header.ts'
import { noPlace } from './refusals.ts'
import { Wire } from './wire.ts'

/** What a connection needs of the listener that it came through. */
export type Entrance = {
  readonly house: House
  /** Monotonic milliseconds, as coarse as the ticks. */
  readonly now: () => number
  readonly secureContext: () => SecureContext | undefined
  /** Whose places the client takes, now that this is known of it; undefined: there is one. */
  readonly settle: (client: Client, stay: Stay) => Full | undefined
  /** Is a client asked for a certificate? */
  readonly asksCertificate: (client: Client, stay: Stay) => boolean
  readonly closed: (connection: Connection) => void
}

export class Connection implements Conversation {
  readonly house: House
  readonly stay: Stay
  client: Client
  transaction: Transaction | undefined
  content: Content | undefined
  messages = 0
  idleCommands = 0
  heldBack = 0
  turnedAway = false
  readonly #entrance: Entrance
  readonly #wire: Wire
  readonly #lines: LineReader
  readonly #patience: Patience
  readonly #arrivedAt: number
  #contentBytes = 0
  #mistakes = 0
  #state: 'preface' | 'handshake' | 'greeting' | 'open' | 'startTls' | 'closing' = 'handshake'
  #isBusy = false
  #isRunning = false
  #isDraining = false
  #isGivenUp = false
  #wasAsked = false

  constructor(socket: Socket, client: Client, stay: Stay, entrance: Entrance) {
    this.house = entrance.house
    this.stay = stay
    this.client = client
    this.#entrance = entrance
    this.#lines = new LineReader(this.house.limits.lineBytes)
    this.#arrivedAt = entrance.now()
    this.#patience = new Patience(this.#arrivedAt)
    this.#wire = new Wire(socket, {
      ready: () => this.#run(),
      heard: (bytes) => this.#patience.heard(bytes, entrance.now()),
      closed: () => this.#onClosed(),
    })
  }

  /** The client is another than the one that connected; its balancer says who, before anything else. */
  startBehindBalancer(implicitTls: boolean): void {
    this.#state = 'preface'
    this.#patience.enter('handshake', this.#entrance.now(), true)
    this.#wire.preface((begun) => {
      const header = readProxyHeader(begun)
      if (header.kind === 'more') return undefined
      if (header.kind === 'bad') return this.#notABalancer(header.why, begun)
      this.client = Object.freeze({ ...this.client, ...header.source })
      // When it has been taken off what came, not before: what follows is read from there.
      queueMicrotask(() => this.#arrive(implicitTls))
      return header.length
    })
  }

  #notABalancer(why: string, begun: Buffer): number {
    this.#tell(`balancer: ${why}`, replies.beforeGreeting())
    this.#state = 'closing'
    this.#wire.destroy()
    return begun.length
  }

  #arrive(implicitTls: boolean): void {
    if (this.#wire.isClosed) return
    const full = this.#entrance.settle(this.client, this.stay)
    if (full === undefined) return this.start(implicitTls)
    if (implicitTls) return this.#wire.destroy()
    this.#state = 'closing'
    this.#wire.dismiss(replyLines(noPlace(full.limit)))
  }

  start(implicitTls: boolean): void {
    const context = implicitTls ? this.#entrance.secureContext() : undefined
    if (context !== undefined) this.#handshake(context, () => this.#greet())
    else if (implicitTls) this.#wire.destroy()
    else this.#run(() => this.#greet())
  }

  get unread(): boolean {
    return this.#wire.waiting > 0
  }

  get mayStartTls(): boolean {
    return this.client.tls === undefined && this.#entrance.secureContext() !== undefined
  }

  say(reply: Reply): void {
    if (this.#state === 'closing') return
    this.#wire.write(replyLines(reply))
    if (reply.code === 421 || reply.code === 521) this.close() // RFC 5321 section 3.8, RFC 7504 section 3
  }

  now(): number {
    return this.#entrance.now()
  }

  refuse(what: string, reply: Reply, limit?: LimitName): void {
    if (this.#state === 'closing') return
    this.decline(what, reply, limit)
    this.mistake()
  }

  decline(what: string, reply: Reply, limit?: LimitName): void {
    if (this.#state === 'closing') return
    this.say(reply)
    this.#tell(what, reply, limit)
  }

  mistake(): void {
    this.#mistakes++
    if (this.#state === 'closing' || this.#mistakes <= this.house.limits.errors) return
    this.say(replies.tooManyErrors())
    this.#tell('too many mistakes', replies.tooManyErrors(), 'errors')
  }

  ask<T>(what: string, question: () => Soon<T>, then: (answer: T) => void): void {
    const failed = (error: unknown) => this.#failed(what, error)
    let answer: Soon<T>
    try {
      answer = question()
    } catch (error) {
      return failed(error)
    }
    if (!(answer instanceof Promise)) return then(answer)
    this.#isBusy = true
    const resume = (next: () => void) => {
      this.#isBusy = false
      this.#run(next)
    }
    answer.then(
      (value) => resume(() => then(value)),
      (error: unknown) => resume(() => failed(error)),
    )
  }

  close(): void {
    this.#state = 'closing'
    this.endTransaction()
    this.content = undefined
  }

  endTransaction(): void {
    this.transaction?.cargo.unload()
    this.transaction = undefined
  }

  startTls(): void {
    this.#state = 'startTls'
  }

  /** Lets a transaction end, nothing else. Who is in a handshake has begun none, and no reply would reach him. */
  drain(): void {
    this.#isDraining = true
    if (this.#state === 'handshake' || this.#state === 'preface') return this.#wire.destroy()
    if (!this.#isRunning) this.#settle(false)
  }

  /** What is not answered by now will not be: nothing may be promised for it any more. */
  giveUp(): void {
    this.#isGivenUp = true
  }

  get isGone(): boolean {
    return this.#isGivenUp || this.#wire.isClosed
  }

  /** Even in the middle of a transaction it is told why (RFC 5321 section 3.8). */
  cut(): void {
    if (this.#state === 'handshake' || this.#state === 'preface') return this.#wire.destroy()
    this.say(replies.shuttingDown())
    this.#wire.end()
  }

  destroy(): void {
    this.#wire.destroy()
  }

  /** A tick of the clock. */
  tick(now: number): void {
    const isStranger = this.messages === 0 && !this.transaction?.recipients.length
    const { phase } = this.#patience
    if (phase === 'command' && this.stay.isUnproven && now - this.#arrivedAt > this.house.limits.handshakeMs) {
      this.decline('limit connectionsToProve', noPlace('connectionsToProve'), 'connectionsToProve')
      return this.#settle(true)
    }
    const limit = this.#patience.overdue(now, this.house.limits, isStranger)
    if (limit === undefined) return
    if (phase === 'command' || phase === 'content') {
      this.refuse(`too slow: ${phase}`, replies.tooSlow(), limit)
      return this.#settle(true)
    }
    if (phase === 'unread') this.#tell('too slow: replies not read', replies.tooSlow(), limit)
    else if (phase === 'handshake') this.house.counts.handshakeMs++
    this.#wire.destroy()
  }

  #handshake(context: SecureContext, then: () => void): void {
    this.#state = 'handshake'
    this.#patience.enter('handshake', this.#entrance.now(), true)
    const through = (socket: TLSSocket) => {
      this.client = Object.freeze({ ...this.client, tls: tlsInfo(socket) })
      // Where its tenant has no room, it stays the stranger that it was.
      this.#entrance.settle(this.client, this.stay)
      // Whoever turns out to be a tenant is no source any more, and nothing is counted.
      if (this.client.tls?.peerChain.length) this.stay.certificateInVain(this.#wire.handshakeBytes, this.now())
      then()
    }
    this.#wasAsked = this.#entrance.asksCertificate(this.client, this.stay)
    this.#wire.secure(context, this.#wasAsked, (socket) => this.#run(() => through(socket)))
  }

  #greet(): void {
    this.#state = 'greeting'
    this.#wire.open()
    const { backend } = this.house
    this.ask(
      'connect',
      () => backend.connect?.(this.client),
      (reply) => this.#greeted(reply),
    )
  }

  #greeted(reply: Reply | undefined): void {
    if (this.#state !== 'greeting') return
    this.#state = 'open'
    this.turnedAway = reply !== undefined && reply.code >= 400
    this.say(reply ?? replies.greeting(this.house.hostname))
  }

  /** Works through the input as far as it goes. `first` is what was waited for. */
  #run(first?: () => void): void {
    if (this.#isRunning || this.#wire.isClosed) return
    this.#isRunning = true
    let answered = first !== undefined
    try {
      first?.()
      while (this.#mayGoOn()) answered = this.#step() || answered
    } catch (error) {
      this.house.onError(error, 'connection')
      this.#wire.destroy()
    }
    this.#isRunning = false
    this.#settle(answered)
  }

  #mayGoOn(): boolean {
    if (this.#state === 'greeting' && this.unread) {
      // RFC 5321 section 3.1. Who did not wait for our name does not listen to our replies either.
      this.refuse('input before the greeting', replies.beforeGreeting())
      this.close()
    }
    return this.#state === 'open' && !this.#isBusy && !this.#wire.isBlocked && this.unread
  }

  /** Takes one line or one stretch of content; true when something was answered. */
  #step(): boolean {
    const { chunk, at } = this.#wire
    if (this.content !== undefined) return this.#readContent(this.content, chunk, at)
    const line = this.#lines.read(chunk, at)
    this.#wire.advance(line.kind === 'more' ? chunk.length : line.next)
    if (line.kind === 'more') return false
    obey(this, line)
    return true
  }

  #readContent(content: Content, chunk: Buffer, at: number): boolean {
    const end = content.push(chunk, at)
    const stop = end < 0 ? chunk.length : end
    this.#contentBytes += stop - at
    this.#wire.advance(stop)
    if (end < 0) {
      // A large message comes in hundreds of them, and was copied out of each.
      if (!content.keeps(chunk)) spend(chunk)
      return this.#isEndless()
    }
    this.content = undefined
    this.#contentBytes = 0
    content.done()
    return true
  }

  /** A message too large is read to its end, so that the client learns why; but not forever. */
  #isEndless(): boolean {
    if (this.#contentBytes <= this.house.limits.discardBytes) return false
    this.refuse('content without end', replies.tooLarge(), 'discardBytes')
    this.close()
    return true
  }

  /** After each round: last words, output, and whom to wait for. */
  #settle(answered: boolean): void {
    if (this.#wire.isClosed || this.#state === 'handshake' || this.#state === 'preface') return
    if (this.#wire.hasEnded && !this.unread && !this.#isBusy) this.close()
    const isIdle = !this.#isBusy && !this.unread && this.transaction === undefined && this.content === undefined
    if (this.#isDraining && isIdle) this.say(replies.shuttingDown())
    if (this.#state === 'closing') this.#wire.end()
    else this.#wire.flush()
    if (this.#state === 'startTls') return this.#startHandshake()
    this.#patience.enter(this.#phase(), this.#entrance.now(), answered)
  }

  #startHandshake(): void {
    const context = this.#entrance.secureContext()
    if (context === undefined) return this.#wire.destroy()
    this.#handshake(context, () => {
      this.#state = 'open'
      this.#wire.open()
    })
  }

  #phase(): Phase {
    if (this.#state === 'closing') return 'goodbye'
    if (this.#isBusy) return 'backend'
    if (this.#wire.isBlocked) return 'unread'
    return this.content === undefined && this.transaction?.chunks === undefined ? 'command' : 'content'
  }

  #failed(what: string, error: unknown): void {
    this.house.onError(error, what)
    this.say(this.#state === 'greeting' ? replies.shuttingDown() : replies.internalError())
  }

  #tell(what: string, reply: Reply, limit?: LimitName): void {
    if (limit !== undefined) this.house.counts[limit]++
    try {
      this.house.backend.refused?.(this.client, what, reply)
    } catch (error) {
      this.house.onError(error, 'refused')
    }
  }

  /** Certificates may have been looked at all the same. */
  #handshakeFailed(): void {
    if (this.#wasAsked) this.stay.certificateInVain(this.#wire.handshakeBytes, this.now())
    this.#tell('TLS handshake failed', replies.tlsFailed())
  }

  #onClosed(): void {
    if (this.#state === 'handshake') this.#handshakeFailed()
    if (this.#state === 'preface') this.#tell('balancer: no PROXY header', replies.beforeGreeting())
    this.endTransaction()
    this.content = undefined
    this.#entrance.closed(this)
  }
}
