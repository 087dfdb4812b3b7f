import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Asked, Command, Unwell } from './command.ts'
import { wordsOf } from './dial.ts'
import type { ImapLimits, Patience } from './imap.ts'
import { Outbox } from './outbox.ts'
import { type Data, type Response, readResponse, type Words } from './response.ts'
import { ResponseReader } from './response-reader.ts'
import { Watch, type Watched } from './watch.ts'
import { type About, type Refusal, redacted, troubleOf } from './words.ts'

export type ConnectionOptions = {
  readonly limits: ImapLimits
  readonly patience: Patience
  readonly signal: AbortSignal
  /** Host and port, for people. */
  readonly where: string
}

type Sent = { readonly command: Command; hasLeft: boolean }
export type Greeting = Words & { readonly status: 'OK' | 'PREAUTH' | 'BYE' }
export type Answer = Words & { readonly kind: 'OK' }

/** Exchange's own patience is ten. */
const maxErrors = 9
const closed = new MailboxTrouble('stopped', 'closed')

/**
 * One connection: commands out, responses in. Any number of commands may be under way; what comes back is given to the first one
 * that takes it. Knows tags, literals and time, and not what any command is for.
 * A connection that is lost stays lost, and says why to everybody.
 */
export class Connection {
  readonly limits: ImapLimits
  readonly outbox: Outbox
  /** Data that no command took. */
  unasked: ((data: Data | Words) => void) | undefined
  /** Words that must never be shown, whoever says them. */
  secrets: readonly string[] = []
  #socket: Socket
  #reader: ResponseReader
  readonly #o: ConnectionOptions
  #tags = 0
  readonly #queue: Command[] = []
  readonly #sent = new Map<string, Sent>()
  #alone: Command | undefined
  #lost: MailboxTrouble | undefined
  #greeted: ((greeting: Greeting | MailboxTrouble) => void) | undefined
  #unaskedCount = 0
  #takenCount = 0
  #errors = 0
  #isHeld = false
  #isClosing = false
  /** Between the answer to STARTTLS and the handshake nothing is listened to. */
  #isDeaf = false
  readonly #watch: Watch
  readonly #stop = (): void => this.lose(new MailboxTrouble('stopped', 'stopped'))

  constructor(socket: Socket, o: ConnectionOptions) {
    this.#o = o
    this.limits = o.limits
    this.#socket = socket
    this.#reader = new ResponseReader(o.limits)
    this.outbox = new Outbox(socket, {
      free: () => this.#pump(),
      broken: (tag, trouble) => this.#broken(tag, trouble),
    })
    this.#watch = new Watch(o.patience, {
      bytesOut: () => this.#socket.bytesWritten - this.#socket.writableLength,
      isHeld: () => this.#isHeld,
      waitsFor: () => this.#waitsFor(),
      stalled: (why) => this.#stalled(why),
      rested: () => this.#rested(),
    })
    o.signal.addEventListener('abort', this.#stop)
    this.#listen()
    if (o.signal.aborted) this.#stop()
    if (socket.destroyed) this.#ended('the connection was closed')
  }

  /** What the server says before it is asked anything. */
  greeting(): Promise<Greeting> {
    return new Promise((resolve, reject) => {
      this.#greeted = (told) => (told instanceof MailboxTrouble ? reject(told) : resolve(told))
      if (this.#lost !== undefined) this.#greeted(this.#lost)
    })
  }

  /** Sends the command when its turn comes. */
  submit(command: Command): void {
    if (this.#lost !== undefined) return command.done({ kind: 'lost', trouble: this.#lost })
    this.#queue.push(command)
    this.release()
    this.#alone?.hurry?.()
    this.#pump()
  }

  /** The same for those who only want to know that it went well. */
  run(asked: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.submit({
        ...asked,
        done: (end) => (end.kind === 'OK' ? resolve({ ...end, kind: 'OK' }) : reject(this.troubleOf(end, asked))),
      })
    })
  }

  /** Why a command did not go well. */
  troubleOf(end: Unwell, of: { readonly what: string; readonly about: About }): MailboxTrouble {
    if (end.kind === 'lost') return end.trouble
    const { kind: status, ...words } = end
    return troubleOf({ ...words, status }, of.about, `${this.#o.where} refused ${of.what}`)
  }

  /** Reading stops until `release`; not while somebody waits for the answer to another command. */
  hold(): void {
    if (this.#isHeld || this.#queue.length > 0 || this.#sent.size > 1) return
    this.#isHeld = true
    this.#socket.pause()
  }

  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#watch.heard()
    this.#socket.resume()
  }

  /**
   * Encrypts the connection. Whatever was said in the clear and is not read yet is forgotten: it may have been put there by anybody
   * (RFC 9051 section 6.2.1).
   */
  async upgrade(encrypt: (socket: Socket) => Promise<TLSSocket>): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost
    for (const event of ['data', 'end', 'error', 'close']) this.#socket.removeAllListeners(event)
    this.#socket.on('error', () => {})
    try {
      this.#socket = await encrypt(this.#socket)
    } catch (error) {
      this.lose(error instanceof MailboxTrouble ? error : new MailboxTrouble('tls', wordsOf(error)))
      throw error
    }
    this.#reader = new ResponseReader(this.limits)
    this.#isDeaf = false
    this.outbox.moveTo(this.#socket)
    this.#listen()
    if (this.#o.signal.aborted) this.#stop()
  }

  hostile(why: string): void {
    this.lose(new MailboxTrouble('hostile', `${this.#o.where} is not to be dealt with: ${why}`))
  }

  /** Says goodbye, and does not wait long for the answer (RFC 9051 section 6.1.3). Never rejects. */
  goodbye(withinMs: number): Promise<void> {
    this.#isClosing = true
    const timer = setTimeout(() => this.lose(closed), withinMs)
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.lose(closed)
        resolve()
      }
      this.submit({ what: 'LOGOUT', about: 'connection', pieces: ['LOGOUT'], done })
    })
  }

  /** The one way to the end. */
  lose(why: MailboxTrouble): void {
    if (this.#lost !== undefined) return
    const trouble = this.#isClosing ? closed : why
    this.#lost = trouble
    this.#watch.close()
    this.#o.signal.removeEventListener('abort', this.#stop)
    this.#socket.destroy()
    this.#greeted?.(trouble)
    const waiting = [...[...this.#sent.values()].map(({ command }) => command), ...this.#queue.splice(0)]
    this.#sent.clear()
    for (const command of waiting) command.done({ kind: 'lost', trouble })
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.#ended('it closed the connection'))
    socket.on('close', () => this.#ended('the connection was closed'))
    socket.on('error', (error) => this.#ended(wordsOf(error)))
  }

  #ended(why: string): void {
    const middle = this.#reader.isEmpty ? '' : ', in the middle of a response'
    this.lose(new MailboxTrouble('unreachable', `connection to ${this.#o.where} lost: ${why}${middle}`))
  }

  #read(chunk: Buffer): void {
    this.#watch.heard()
    if (this.#isDeaf) return
    const { frames, fault } = this.#reader.read(chunk)
    for (const frame of frames) {
      if (this.#lost !== undefined || this.#isDeaf) return
      this.#take(readResponse(frame))
    }
    if (fault !== undefined && !this.#isDeaf) this.hostile(fault)
  }

  #take(response: Response): void {
    if (this.#greeted !== undefined) return this.#greet(response)
    switch (response.kind) {
      case 'continue':
        return this.#continued(response.text)
      case 'tagged':
        return this.#tagged(response.tag, response.status, redacted(response, this.secrets))
      case 'status':
        return this.#status({ ...redacted(response, this.secrets), status: response.status })
      case 'data':
        return this.#data(response)
      case 'nonsense':
        return this.hostile('what it says is not IMAP')
    }
  }

  #greet(response: Response): void {
    const greeted = this.#greeted
    this.#greeted = undefined
    if (response.kind === 'status' && response.status !== 'NO' && response.status !== 'BAD')
      return greeted?.({ ...response, status: response.status })
    const trouble = new MailboxTrouble('unsupported', `what answers at ${this.#o.where} is not an IMAP server`)
    greeted?.(trouble)
    this.lose(trouble)
  }

  #continued(text: string): void {
    if (this.outbox.continued()) return
    for (const { command } of this.#sent.values()) {
      if (command.goOn === undefined) continue
      const line = command.goOn(text)
      if (line !== undefined) this.outbox.say(line)
      return
    }
    this.hostile('it asks to go on where nothing waits')
  }

  #tagged(tag: string, kind: 'OK' | 'NO' | 'BAD', words: Words): void {
    const sent = this.#sent.get(tag)
    if (sent === undefined || (kind === 'OK' && !sent.hasLeft)) return this.hostile('it answers what was not asked')
    this.#sent.delete(tag)
    this.outbox.answered(tag)
    if (this.#alone === sent.command) this.#alone = undefined
    this.#unaskedCount = 0
    this.#takenCount = 0
    if (kind !== 'OK') this.#errors += 1
    this.#watch.nextInLine()
    this.#isDeaf = kind === 'OK' && sent.command.endsClear === true
    sent.command.done({ ...words, kind })
    this.#pump()
  }

  #status(words: Words & { readonly status: Refusal['status'] | 'OK' | 'PREAUTH' }): void {
    const [first] = this.#sent.values()
    if (words.status === 'BYE') return this.#bye(words, first?.command.about === 'login')
    first?.command.hear?.(words)
    this.#untaken(words)
  }

  #bye(words: Words, isLogin: boolean): void {
    const message = `${this.#o.where} ended the connection`
    const trouble = troubleOf({ ...words, status: 'BYE' }, isLogin ? 'login' : 'connection', message)
    // QUIRK: Exchange ends a connection after ten commands that went wrong, whatever was wrong with them.
    const isEnough = trouble.kind === 'unreachable' && this.#errors >= maxErrors
    this.lose(isEnough ? new MailboxTrouble('busy', `${message} after ${this.#errors} errors`, trouble) : trouble)
  }

  #data(data: Data): void {
    if (!this.#isTaken(data)) return this.#untaken(data)
    this.#unaskedCount = 0
    this.#takenCount += 1
    // More than one for each message of the largest folder, and still no end: nobody asked for that either.
    if (this.#takenCount > 2 * this.limits.maxMessages) this.hostile('its answer has no end')
  }

  /** By the first one who takes it. Behind a SELECT that is not answered yet everything is about another folder. */
  #isTaken(data: Data): boolean {
    let isFirst = true
    for (const { command } of this.#sent.values()) {
      if (command.selects === true) return isFirst && command.take?.(data) === true
      if (command.take?.(data) === true) return true
      isFirst = false
    }
    return false
  }

  #untaken(what: Data | Words): void {
    // What happens to single messages may happen to all of a large folder.
    this.#unaskedCount += 'number' in what ? 0.01 : 1
    if (this.#unaskedCount > this.limits.maxUnasked) this.hostile('it talks without end')
    else this.unasked?.(what)
  }

  #pump(): void {
    while (this.#lost === undefined && this.#alone === undefined && !this.outbox.isBusy) {
      const [next] = this.#queue
      if (next === undefined || (next.order !== undefined && this.#sent.size > 0)) return
      this.#queue.shift()
      this.#send(next)
    }
  }

  #send(command: Command): void {
    this.#tags += 1
    const tag = `a${this.#tags}`
    const sent: Sent = { command, hasLeft: false }
    if (this.#sent.size === 0) {
      this.#watch.heard()
      this.#watch.nextInLine()
    }
    if (command.order === 'alone') this.#alone = command
    this.#sent.set(tag, sent)
    this.outbox.send(tag, command, () => {
      sent.hasLeft = true
    })
  }

  #broken(tag: string, trouble: MailboxTrouble): void {
    const sent = this.#sent.get(tag)
    this.#sent.delete(tag)
    this.lose(new MailboxTrouble('unreachable', `connection to ${this.#o.where} given up in the middle of a message`))
    sent?.command.done({ kind: 'lost', trouble })
  }

  #stalled(why: string): void {
    this.lose(new MailboxTrouble('stalled', `${this.#o.where} does not answer: ${why}`))
  }

  #waitsFor(): ReturnType<Watched['waitsFor']> {
    const [first] = this.#sent.values()
    if (first === undefined) return this.#greeted === undefined ? 'nothing' : 'anything'
    return first.command.isEndless?.() === true ? 'anything' : 'an answer'
  }

  /** RFC 9051 section 5.4: a server may end what is silent for 30 minutes; many do sooner. */
  #rested(): void {
    this.submit({ what: 'NOOP', about: 'connection', pieces: ['NOOP'], done: () => {} })
  }
}
