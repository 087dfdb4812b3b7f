/**
 * An SMTP server for tests of our client. It behaves well, keeps what it gets, and lets a test answer any line itself:
 * every kind of trouble is a few lines in the test that is about it.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'

export type Talk = {
  /** Lines without CRLF; the last one may be cut short with `raw`. */
  say(...lines: readonly string[]): void
  raw(bytes: string): void
  hangUp(): void
  /** Replaces the socket by its TLS one. */
  startTls(): void
  /** Bytes up to CRLF.CRLF are a message from here on. */
  readMessage(): void
  /** So many bytes are a chunk from here on. */
  readChunk(bytes: number): void
  /** Counts from 0. */
  readonly connection: number
  readonly secure: boolean
}

export type PeerOptions = {
  readonly greeting?: readonly string[]
  readonly extensions?: readonly string[]
  /** True: the line was answered. `line` is '' for the greeting, '.' for the end of a message. */
  readonly on?: (line: string, talk: Talk) => boolean
  readonly tls?: SecureContextOptions
  readonly implicitTls?: boolean
  /** Leaves out the session id context, so that OpenSSL refuses to resume. */
  readonly breaksOnResumption?: boolean
}

export type Peer = {
  readonly port: number
  /** Everything that was said to it, connection by connection: `0 EHLO gw.example`. */
  readonly lines: string[]
  /** Bytes as they came, dots still doubled. */
  readonly messages: Buffer[]
  readonly clientNames: string[]
  readonly resumed: boolean[]
  readonly connections: { count: number; open: number }
  close(): Promise<void>
}

export const usualExtensions = ['PIPELINING', 'SIZE 1000000', '8BITMIME', 'SMTPUTF8', 'DSN', 'CHUNKING', 'STARTTLS']

export async function startPeer(o: PeerOptions = {}): Promise<Peer> {
  const peer = { lines: [], messages: [], clientNames: [], resumed: [], connections: { count: 0, open: 0 } }
  const sockets = new Set<Socket>()
  const context =
    o.tls === undefined
      ? undefined
      : createSecureContext({ ...o.tls, ...(o.breaksOnResumption ? {} : { sessionIdContext: 'peer' }) })
  const server = createServer((socket) => {
    socket.setNoDelay(true)
    sockets.add(socket)
    peer.connections.open++
    socket.on('close', () => {
      sockets.delete(socket)
      peer.connections.open--
    })
    new Conversation(socket, o, context, peer, peer.connections.count++).begin()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ...peer,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

type Seen = Omit<Peer, 'port' | 'close'>

class Conversation implements Talk {
  readonly connection: number
  #socket: Socket
  readonly #o: PeerOptions
  readonly #context: SecureContext | undefined
  readonly #seen: Seen
  #held = ''
  #chunk = -1
  #inMessage = false
  #content = ''

  constructor(socket: Socket, o: PeerOptions, context: SecureContext | undefined, seen: Seen, connection: number) {
    this.#socket = socket
    this.#o = o
    this.#context = context
    this.#seen = seen
    this.connection = connection
  }

  get secure(): boolean {
    return this.#socket instanceof TLSSocket
  }

  begin(): void {
    if (this.#o.implicitTls) this.startTls()
    else this.#listen()
    if (!this.#o.on?.('', this)) this.say(...(this.#o.greeting ?? ['220 peer.example ESMTP']))
  }

  say(...lines: readonly string[]): void {
    this.raw(lines.map((line) => `${line}\r\n`).join(''))
  }

  raw(bytes: string): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes, 'latin1')
  }

  hangUp(): void {
    this.#socket.end()
  }

  readMessage(): void {
    this.#inMessage = true
    this.#content = '\r\n'
  }

  readChunk(bytes: number): void {
    this.#chunk = bytes
  }

  startTls(): void {
    this.#socket.removeAllListeners('data')
    const secured = new TLSSocket(this.#socket, {
      isServer: true,
      requestCert: true,
      rejectUnauthorized: false,
      ...(this.#context === undefined ? {} : { secureContext: this.#context }),
    })
    secured.on('secure', () => {
      this.#seen.clientNames.push(secured.getPeerX509Certificate()?.subject ?? '')
      this.#seen.resumed.push(secured.isSessionReused())
    })
    this.#socket = secured
    this.#held = ''
    this.#listen()
  }

  #listen(): void {
    this.#socket.on('error', () => this.#socket.destroy())
    this.#socket.on('data', (chunk: Buffer) => {
      this.#held += chunk.toString('latin1')
      while (this.#step());
    })
  }

  #step(): boolean {
    if (this.#chunk >= 0) return this.#takeChunk()
    if (this.#inMessage) return this.#takeMessage()
    const end = this.#held.indexOf('\r\n')
    if (end === -1) return false
    const line = this.#held.slice(0, end)
    this.#held = this.#held.slice(end + 2)
    this.#seen.lines.push(`${this.connection} ${line}`)
    if (!this.#o.on?.(line, this)) this.#answer(line)
    return true
  }

  #takeChunk(): boolean {
    if (this.#held.length < this.#chunk) return false
    this.#seen.messages.push(Buffer.from(this.#held.slice(0, this.#chunk), 'latin1'))
    this.#held = this.#held.slice(this.#chunk)
    this.#chunk = -1
    if (!this.#o.on?.('.', this)) this.say('250 2.0.0 chunk taken')
    return true
  }

  #takeMessage(): boolean {
    const all = this.#content + this.#held
    const end = all.indexOf('\r\n.\r\n', Math.max(0, this.#content.length - 5))
    this.#content = end === -1 ? all : ''
    this.#held = end === -1 ? '' : all.slice(end + 5)
    if (end === -1) return false
    this.#inMessage = false
    this.#seen.messages.push(Buffer.from(all.slice(2, end + 2), 'latin1'))
    if (!this.#o.on?.('.', this)) this.say('250 2.0.0 queued')
    return true
  }

  #answer(line: string): void {
    const verb = line.split(/[ :]/, 1)[0]?.toUpperCase()
    if (verb === 'EHLO') return this.#hello()
    if (verb === 'QUIT') {
      this.say('221 2.0.0 bye')
      return this.hangUp()
    }
    if (verb === 'STARTTLS') {
      this.say('220 2.0.0 go ahead')
      return this.startTls()
    }
    if (verb === 'BDAT') return this.readChunk(Number(line.split(' ')[1]))
    if (verb !== 'DATA') return this.say('250 2.1.0 ok')
    this.say('354 go ahead')
    this.readMessage()
  }

  #hello(): void {
    const hidden = this.secure || this.#context === undefined
    const offered = (this.#o.extensions ?? usualExtensions).filter((word) => word !== 'STARTTLS' || !hidden)
    const all = ['peer.example', ...offered]
    this.say(...all.map((word, i) => `250${i === all.length - 1 ? ' ' : '-'}${word}`))
  }
}
