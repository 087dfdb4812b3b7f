import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'

/** How long it waits for anything. */
const usualPatienceMs = 3000

/** The other end of an SMTP connection, for tests: says bytes, reads lines. */
export class Client {
  #socket: Socket
  #held: Buffer[] = []
  #text = ''
  #isClosed = false
  #wake = () => {}
  readonly #patienceMs: number

  /** `localAddress` is the loopback address to come from. */
  constructor(port: number, localAddress = '127.0.0.1', patienceMs = usualPatienceMs) {
    this.#patienceMs = patienceMs
    this.#socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true, allowHalfOpen: true })
    this.#listen()
  }

  /** With `wait` the bytes leave in one write with the next ones. */
  send(bytes: Buffer, wait = false): void {
    this.#held.push(bytes)
    if (wait) return
    this.#socket.write(Buffer.concat(this.#held))
    this.#held = []
  }

  /** What is said goes out with CRLF; the answer is its last line. */
  async ask(command: string): Promise<string> {
    this.send(Buffer.from(`${command}\r\n`))
    return this.reply(command)
  }

  /** The last line of the next reply. */
  async reply(at = 'reply'): Promise<string> {
    for (;;) {
      const line = await this.line(at)
      if (line[3] !== '-') return line
    }
  }

  async line(at: string): Promise<string> {
    const deadline = Date.now() + this.#patienceMs
    while (!this.#text.includes('\r\n')) {
      assert.ok(!this.#isClosed, `${at}: the server has closed`)
      assert.ok(Date.now() < deadline, `${at}: no answer`)
      await this.#something(deadline)
    }
    const end = this.#text.indexOf('\r\n')
    const line = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 2)
    return line
  }

  unread(): string[] {
    return this.#text === '' ? [] : this.#text.split('\r\n')
  }

  /** What comes until the server closes. */
  async rest(): Promise<string[]> {
    const deadline = Date.now() + this.#patienceMs
    while (!this.#isClosed) {
      assert.ok(Date.now() < deadline, 'the server does not close')
      await this.#something(deadline)
    }
    return this.unread()
  }

  /** TLS over the open connection. Nothing is verified. */
  async secure(o: ConnectionOptions): Promise<TLSSocket> {
    const plain = this.#socket
    plain.removeAllListeners('data').removeAllListeners('end')
    const secured = connectTls({ ...o, socket: plain, rejectUnauthorized: false })
    this.#socket = secured
    await once(secured, 'secureConnect')
    this.#listen()
    return secured
  }

  /** Bytes that the system has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength
  }

  halfClose(): void {
    this.#socket.end()
  }

  /** By RST: nothing that was not read yet is read any more. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #listen(): void {
    const closed = () => {
      this.#isClosed = true
      this.#wake()
    }
    this.#socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    this.#socket.on('end', closed).on('close', closed).on('error', closed)
  }

  #something(deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(resolve, Math.max(1, deadline - Date.now()))
      this.#wake = () => {
        clearTimeout(late)
        resolve()
      }
    })
  }
}
