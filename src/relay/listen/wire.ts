/**
 * The socket of one connection: input that waits to be worked through, output that leaves in as few writes as possible,
 * and the change from plaintext to TLS. Knows no SMTP.
 */
import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import { serverSide } from './handshake.ts'

/** Input that may wait before the socket is paused; it is at most doubled by what the system hands over at once. */
const maxWaiting = 65_536
const nothing = Buffer.alloc(0)

export type WireEvents = {
  /** There is input, or room for output again, or the client has ended its side. */
  readonly ready: () => void
  readonly heard: (bytes: number) => void
  readonly closed: () => void
}

export class Wire {
  /** The client has not read what we wrote. */
  isBlocked = false
  /** The client will send no more. */
  hasEnded = false
  isClosed = false
  #isEnding = false
  #socket: Socket
  #input: Buffer[] = []
  #at = 0
  #waiting = 0
  #isPaused = false
  #out = ''
  /** That the client sends of the handshake; counted on. */
  #handshake: { readonly plain: Socket; readonly before: number } | undefined
  readonly #events: WireEvents

  constructor(socket: Socket, events: WireEvents) {
    this.#socket = socket
    this.#events = events
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
  }

  /**
   * Reads what stands before everything else. `read` is shown all that has come and says how much of it is the preface;
   * undefined: not all has come. What stands behind it is read as if it had come now.
   */
  preface(read: (begun: Buffer) => number | undefined): void {
    const socket = this.#socket
    let begun: Buffer = nothing
    const onEnd = () => socket.destroy()
    const onData = (chunk: Buffer) => {
      begun = begun.length === 0 ? chunk : Buffer.concat([begun, chunk])
      const end = read(begun)
      if (end === undefined) return
      socket.pause().off('data', onData).off('end', onEnd)
      if (end < begun.length) socket.unshift(begun.subarray(end))
    }
    socket.on('data', onData).on('end', onEnd)
  }

  /** Begins to read. */
  open(): void {
    this.#socket.on('data', this.#onData)
    this.#socket.on('end', this.#onEnd)
    this.#socket.on('drain', this.#onDrain)
    this.#socket.resume() // a preface left it paused
  }

  /** Bytes not worked through. */
  get waiting(): number {
    return this.#waiting
  }

  /** The chunk in work; empty when nothing waits. */
  get chunk(): Buffer {
    return this.#input[0] ?? nothing
  }

  get at(): number {
    return this.#at
  }

  /** The chunk in work is done up to `to`. */
  advance(to: number): void {
    this.#waiting -= to - this.#at
    this.#at = to
    if (to < this.chunk.length) return
    this.#input.shift()
    this.#at = 0
    if (this.#isPaused && this.#waiting < maxWaiting) this.#pause(false)
  }

  write(text: string): void {
    this.#out += text
  }

  flush(): void {
    if (this.#out === '' || this.#isEnding || this.isClosed) return
    const out = this.#out
    this.#out = ''
    // Replies are ASCII (RFC 5321 section 4.2); latin1 is the fastest way to say so.
    if (!this.#socket.write(out, 'latin1')) this.isBlocked = true
  }

  /** Sends what is written and closes our side; what still comes in is thrown away, so that the last reply arrives. */
  end(): void {
    if (this.#isEnding) return
    this.flush()
    this.#isEnding = true
    this.#input = []
    this.#waiting = 0
    this.#at = 0
    if (this.#isPaused) this.#pause(false)
    this.#socket.end()
  }

  /** The last words to somebody who gets no more of our time: gone as soon as they are sent. */
  dismiss(text: string): void {
    this.#isEnding = true
    this.#socket.end(text, 'latin1', () => this.#socket.destroySoon())
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Bytes that have come since the handshake began. */
  get handshakeBytes(): number {
    return this.#handshake === undefined ? 0 : this.#handshake.plain.bytesRead - this.#handshake.before
  }

  /** Hands the socket over to TLS; `done` when the handshake is through. A failed one closes the connection. */
  secure(context: SecureContext, asksCertificate: boolean, done: (socket: TLSSocket) => void): void {
    const plain = this.#socket
    this.#handshake = { plain, before: plain.bytesRead }
    for (const [event, listener] of this.#listeners()) plain.off(event, listener)
    const secured = serverSide(plain, context, asksCertificate)
    this.#socket = secured
    secured.on('error', () => secured.destroy())
    secured.on('close', () => plain.destroy())
    secured.once('secure', () => done(secured))
  }

  #listeners(): [string, (chunk: Buffer) => void][] {
    return [
      ['data', this.#onData],
      ['end', this.#onEnd],
      ['drain', this.#onDrain],
    ]
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    if (isPaused) this.#socket.pause()
    else this.#socket.resume()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isEnding) return
    this.#input.push(chunk)
    this.#waiting += chunk.length
    this.#events.heard(chunk.length)
    this.#events.ready()
    if (this.#waiting > maxWaiting && !this.#isPaused) this.#pause(true)
  }

  readonly #onEnd = (): void => {
    this.hasEnded = true
    if (!this.#isEnding) this.#events.ready()
  }

  readonly #onDrain = (): void => {
    this.isBlocked = false
    this.#events.ready()
  }

  #onClose(): void {
    this.isClosed = true
    this.#input = []
    this.#waiting = 0
    this.#out = ''
    this.#events.closed()
  }
}
