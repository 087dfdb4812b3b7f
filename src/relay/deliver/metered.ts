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
  readonly #plain: Socket

  constructor(plain: Socket, tooMuch: (why: string) => void) {
    super({ allowHalfOpen: true })
    this.#plain = plain
    plain.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length
      if (this.#bytes > this.#most) return tooMuch(`it sent more than ${this.#most} bytes of TLS that say nothing`)
      if (!this.push(chunk)) plain.pause()
    })
    plain.on('end', () => this.push(null))
    plain.on('close', () => this.destroy())
  }

  /** The handshake stands, or words have come. */
  heard(): void {
    this.#most = maxSilentBytes
    this.#bytes = 0
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
