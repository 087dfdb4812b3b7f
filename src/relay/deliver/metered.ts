import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** What a stranger's server may send until the handshake stands. Long chains of large keys come to 12 KB. */
const maxHandshakeBytes = 20_480
/** And then without a word to us in it: requests for another handshake, tickets, new keys. Each of them is work, some want an answer. */
const maxSilentBytes = 262_144

/**
 * A socket between us and a server that nobody has chosen: the MX of whatever domain. OpenSSL checks every signature in the chain that
 * is shown, a hundred kilobytes of it, although nothing depends on it; with large exponents that is a second in which
 * nobody else is served, for each address of each host. So what is too much never gets there. Slower than the
 * bare socket, which the hops that the project names keep.
 */
export class Metered extends Duplex {
  #most = maxHandshakeBytes
  #bytes = 0
  /** Pieces that wait for their turn. */
  #waiting = 0
  readonly #plain: Socket

  constructor(plain: Socket, tooMuch: (why: string) => void) {
    super({ allowHalfOpen: true })
    this.#plain = plain
    plain.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length
      if (this.#bytes > this.#most) return tooMuch(`it sent more than ${this.#most} bytes of TLS that say nothing`)
      this.#pass(chunk)
    })
    plain.on('end', () => this.#pass(null))
    plain.on('close', () => this.destroy())
  }

  /** The handshake stands, or words have come. */
  heard(): void {
    this.#most = maxSilentBytes
    this.#bytes = 0
  }

  /** Handshakes are worked on in turn; what has come behind stays behind. */
  #pass(piece: Buffer | null): void {
    if (this.#most !== maxHandshakeBytes && this.#waiting === 0) return this.#give(piece)
    this.#waiting += 1
    inTurn(() => {
      this.#waiting -= 1
      if (!this.destroyed) this.#give(piece)
    })
  }

  #give(piece: Buffer | null): void {
    if (!this.push(piece)) this.#plain.pause()
  }

  override _read(): void {
    this.#plain.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#plain.write(chunk, done)
  }

  override _final(done: () => void): void {
    this.#plain.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#plain.destroy()
    done(error)
  }
}

const turns: (() => void)[] = []
let isTaken = false

/** Strangers' handshakes together have a quarter of the one thread, however many come at once. */
function inTurn(work: () => void): void {
  turns.push(work)
  if (!isTaken) nextTurn()
}

function nextTurn(): void {
  const work = turns.shift()
  isTaken = work !== undefined
  if (work === undefined) return
  const since = performance.now()
  work()
  const took = performance.now() - since
  if (took < usualMs) setImmediate(nextTurn)
  else setTimeout(nextTurn, 3 * took)
}

/** More than a handshake with usual keys takes. */
const usualMs = 10
