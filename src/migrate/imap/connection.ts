import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Asked, Command, Unwell } from './command.ts'
import { wordsOf } from './dial.ts'
import type { ImapLimits, Patience } from './imap.ts'
import { Outbox } from './outbox.ts'
import { type Data, type Response, readResponse, type Words } from './response.ts'
import { ResponseReader } from './response-reader.ts'
import { type About, type Refusal, troubleOf } from './words.ts'

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
  #isHeld = false
  #isClosing = false
  /** Between the answer to STARTTLS and the handshake nothing is listened to. */
  #isDeaf = false
  #heardAt = performance.now()
  #firstSince = performance.now()
  #bytesOut = 0
  readonly #watch: NodeJS.Timeout
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
    this.#watch = setInterval(() => this.#look(), Math.max(10, Math.min(o.patience.silentMs, o.patience.restMs) / 8))
    o.signal.addEventListener('abort', this.#stop)
    this.#listen()
    if (o.signal.aborted) this.#stop()
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

  /** Reading stops until `release`, or until somebody asks for more. */
  hold(): void {
    if (this.#isHeld || this.#queue.length > 0) return
    this.#isHeld = true
    this.#socket.pause()
  }

  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#heardAt = performance.now()
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
    clearInterval(this.#watch)
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
    this.#heardAt = performance.now()
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
        return this.#tagged(response.tag, response.status, this.#redacted(response))
      case 'status':
        return this.#status({ ...this.#redacted(response), status: response.status })
      case 'data':
        return this.#data(response)
      case 'nonsense':
        return this.hostile('what it says is not IMAP')
    }
  }

  #greet(response: Response): void {
    const greeted = this.#greeted
    this.#greeted = undefined
    const isGreeting = response.kind === 'status' && response.status !== 'NO' && response.status !== 'BAD'
    if (isGreeting)
      return greeted?.({
        ...response,
        status: response.status === 'BYE' ? 'BYE' : response.status === 'OK' ? 'OK' : 'PREAUTH',
      })
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
    this.#firstSince = performance.now()
    this.#isDeaf = kind === 'OK' && sent.command.endsClear === true
    sent.command.done({ ...words, kind })
    this.#pump()
  }

  #status(words: Words & { readonly status: Refusal['status'] | 'OK' | 'PREAUTH' }): void {
    const [first] = this.#sent.values()
    if (words.status === 'BYE') {
      const about = first?.command.about === 'login' ? 'login' : 'connection'
      return this.lose(troubleOf({ ...words, status: 'BYE' }, about, `${this.#o.where} ended the connection`))
    }
    first?.command.hear?.(words)
    this.#untaken(words)
  }

  #data(data: Data): void {
    if (this.#isTaken(data)) this.#unaskedCount = 0
    else this.#untaken(data)
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
    this.#unaskedCount += 1
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
    if (this.#sent.size === 0) this.#firstSince = this.#heardAt = performance.now()
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

  #redacted(words: Words): Words {
    const clean = (text: string): string => this.secrets.reduce((all, secret) => all.replaceAll(secret, '***'), text)
    const { code } = words
    return { text: clean(words.text), ...(code === undefined ? {} : { code: { ...code, args: clean(code.args) } }) }
  }

  /** Looked at now and then: a timer for each command would cost more than the command. */
  #look(): void {
    const now = performance.now()
    const out = this.#socket.bytesWritten - this.#socket.writableLength
    if (out !== this.#bytesOut || this.#isHeld) this.#heardAt = now
    this.#bytesOut = out
    const [first] = this.#sent.values()
    if (first === undefined) return this.#rest(now)
    if (first.command.isEndless === true) return
    const { silentMs, commandMs } = this.#o.patience
    if (now - this.#heardAt > silentMs) this.#stalled(`nothing for ${silentMs / 1000} s`)
    else if (now - this.#firstSince > commandMs) this.#stalled(`no end of an answer in ${commandMs / 1000} s`)
  }

  #stalled(why: string): void {
    this.lose(new MailboxTrouble('stalled', `${this.#o.where} does not answer: ${why}`))
  }

  /** RFC 9051 section 5.4: a server may end what is silent for 30 minutes; many do sooner. */
  #rest(now: number): void {
    if (this.#greeted !== undefined || now - this.#heardAt < this.#o.patience.restMs) return
    this.submit({ what: 'NOOP', about: 'connection', pieces: ['NOOP'], done: () => {} })
  }
}
