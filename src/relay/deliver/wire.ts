import type { Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { cleanText, parseReply, type Reply } from '../../mail/reply/reply.ts'
import type { Clock, Due } from './clock.ts'
import { Metered } from './metered.ts'
import { ReplyReader } from './reply-reader.ts'

/** What a connection that is gone answers, in the place of its server. */
export const connectionLost: Reply = { code: 421, enhanced: '4.4.2', text: 'connection to the next server lost' }

export type WhileIdle = { lost(): void; over(): void }

type Waiter = { readonly asked: string; readonly withinMs: number; readonly tell: (r: Reply) => void }

/**
 * One connection to a server: commands out, replies in, in order. Knows nothing of which command comes when.
 * A wire that is lost stays lost and answers everything with 421 4.4.2, as the server would have; `lost` says why.
 */
export class Wire implements Due {
  dueAt = Number.POSITIVE_INFINITY
  /** Why there is no connection any more. */
  lost: string | undefined
  /** The lines of the last reply, as they came. */
  lines: readonly string[] = []
  #socket: Socket
  #reader = new ReplyReader()
  readonly #clock: Clock
  readonly #waiting: Waiter[] = []
  #lastWords = connectionLost
  #whileIdle: WhileIdle | undefined
  #goOn: (() => void) | undefined

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
    socket.setNoDelay(true) // Nagle and delayed acknowledgements together cost 40 ms a message.
    this.#listen()
    clock.watch(this)
  }

  /** Waits until the TCP connection stands. */
  async connected(withinMs: number): Promise<boolean> {
    await this.#until(withinMs, (goOn) => this.#socket.once('connect', goOn))
    return this.lost === undefined
  }

  /** Writes one command and gives its reply. Several may be asked before the first is answered (RFC 2920). */
  ask(command: string, withinMs: number, asked = command): Promise<Reply> {
    if (this.lost !== undefined) return Promise.resolve(this.#lastWords)
    this.#socket.write(`${command}\r\n`, 'utf8')
    return this.hear(asked, withinMs)
  }

  /** The next reply. `asked` says in the trace what it answers. */
  hear(asked: string, withinMs: number): Promise<Reply> {
    if (this.lost !== undefined) return Promise.resolve(this.#lastWords)
    return new Promise((tell) => {
      if (this.#waiting.push({ asked, withinMs, tell }) === 1) this.#expectWithin(withinMs)
    })
  }

  /** What is written until `uncork` leaves together. */
  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  /** Writes bytes without copying them: for what is small enough to wait in the socket. */
  write(pieces: readonly Buffer[]): void {
    if (this.lost === undefined) for (const piece of pieces) this.#socket.write(piece)
  }

  /**
   * The same for any size, no faster than the server takes it: a block is out of our hands before the next is asked for, so that a slow
   * hop does not make us hold a second, encrypted copy.
   */
  async push(blocks: Iterable<Buffer>, blockMs: number): Promise<void> {
    for (const block of blocks) {
      if (this.lost !== undefined) return
      await this.#until(blockMs, (goOn) => {
        this.#socket.write(block, (error) => {
          if (error) this.lose(wordsOf(error))
          goOn()
        })
      })
    }
  }

  /** Everything that the server has sent was asked for. */
  get isQuiet(): boolean {
    return this.lost === undefined && this.#reader.isEmpty
  }

  /** Turns the connection into TLS; `isMetered` with a bound on what the handshake may bring. undefined: `lost` says why. */
  async upgrade(options: ConnectionOptions, isMetered: boolean, withinMs: number): Promise<TLSSocket | undefined> {
    if (this.lost !== undefined) return undefined
    const plain = this.#socket
    for (const event of ['data', 'end', 'close']) plain.removeAllListeners(event)
    const metered = isMetered ? new Metered(plain, (why) => this.lose(why)) : undefined
    const secured = connectTls({ ...options, socket: metered ?? plain })
    this.#socket = secured
    this.#listen()
    secured.on('data', () => metered?.heard())
    await this.#until(withinMs, (goOn) => secured.once('secureConnect', goOn))
    metered?.heard()
    if (this.lost === undefined) return secured
    plain.destroy()
    return undefined
  }

  /** The one way to an end that is not QUIT. `words`: what the server said last, when that is an answer to us. */
  lose(why: string, words?: Reply): void {
    if (this.lost !== undefined) return
    const asked = this.#waiting[0]?.asked
    this.lost = asked === undefined ? why : `${why} (waiting for the answer to ${asked})`
    if (words !== undefined && words.code >= 400) this.#lastWords = words
    this.#clock.forget(this)
    this.#socket.destroy()
    for (const waiter of this.#waiting.splice(0)) waiter.tell(this.#lastWords)
    this.#goOn?.()
    this.#whileIdle?.lost()
  }

  /** Says goodbye (RFC 5321 section 4.1.1.10) and waits for the answer, but not for long. */
  async quit(withinMs: number): Promise<void> {
    this.#whileIdle = undefined
    await this.ask('QUIT', withinMs)
    this.lose('closed by us')
  }

  /** Rests in the pool: told when it breaks or when its rest is over. */
  rest(forMs: number, whileIdle: WhileIdle): void {
    this.#whileIdle = whileIdle
    this.#expectWithin(forMs)
  }

  /** Back to work. */
  wake(): void {
    this.#whileIdle = undefined
    this.dueAt = Number.POSITIVE_INFINITY
  }

  overdue(): void {
    if (this.#whileIdle !== undefined) this.#whileIdle.over()
    else this.lose('it did not answer in time')
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.on('end', () => this.lose('it closed the connection'))
    this.#socket.on('error', (error) => this.lose(wordsOf(error)))
    this.#socket.on('close', () => this.lose('the connection was closed'))
  }

  #read(chunk: Buffer): void {
    if (this.lost !== undefined) return
    const { replies, fault } = this.#reader.read(chunk)
    for (const lines of replies) this.#hand(lines)
    if (fault !== undefined) this.lose(fault)
  }

  #hand(lines: readonly string[]): void {
    const reply = parseReply(lines)
    const waiter = this.#waiting.shift()
    // An answer to nothing: `421` before it closes, a refusal in the middle of the content, or an injection.
    if (waiter === undefined) return this.lose(`it spoke without being asked: ${said(reply)}`, reply)
    this.lines = lines
    this.#expectNext()
    waiter.tell(reply)
    // RFC 5321 section 3.8: after 421, to whatever command, it closes; nothing more is to be had here.
    if (reply.code === 421) this.lose(`it is closing the connection: ${said(reply)}`, reply)
    // Replies have no numbers: once one is missing, each would be taken for the answer to the command before its own.
    else if (reply.code < 400 && reply.code >= 300 && waiter.asked !== 'DATA')
      this.lose(`it is out of step: ${waiter.asked} was answered ${said(reply)}`)
  }

  #expectNext(): void {
    const next = this.#waiting[0]
    if (next === undefined) this.dueAt = Number.POSITIVE_INFINITY
    else this.#expectWithin(next.withinMs)
  }

  #expectWithin(ms: number): void {
    this.dueAt = this.#clock.now() + ms
  }

  /** Until `begin` calls back, or there is no connection any more. */
  #until(withinMs: number, begin: (goOn: () => void) => void): Promise<void> {
    if (this.lost !== undefined) return Promise.resolve()
    this.#expectWithin(withinMs)
    return new Promise((resolve) => {
      this.#goOn = () => {
        this.#goOn = undefined
        this.#expectNext()
        resolve()
      }
      begin(this.#goOn)
    })
  }
}

/** `550 5.1.1 no such user`, for the trace. */
export function said(reply: Reply): string {
  return cleanText([reply.code, reply.enhanced, reply.text].filter(Boolean).join(' '))
}

function wordsOf(error: Error & { code?: string }): string {
  const code = error.code ?? ''
  return cleanText(code === '' || error.message.includes(code) ? error.message : `${error.message} (${code})`)
}
