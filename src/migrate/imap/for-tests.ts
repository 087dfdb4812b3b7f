/**
 * An IMAP server for tests: behaves well by itself, and lets a test answer any command. What is said to it is kept.
 */
import { createServer, type Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { type Mailbox, MailboxTrouble } from '../mailbox/mailbox.ts'
import { type Endpoint, type ImapOptions, openImap } from './imap.ts'

export type Talk = {
  readonly tag: string
  /** The command without its tag; literals stand in it as they came. */
  readonly command: string
  /** Lines without CRLF. */
  readonly say: (...lines: readonly string[]) => void
  /** Latin1. */
  readonly raw: (bytes: string) => void
  readonly ok: (words?: string) => void
  readonly hangUp: () => void
  readonly startTls: () => void
  /** 0 for the first connection. */
  readonly connection: number
}

export type Script = {
  readonly greeting?: string
  /** After the log-in, and before it where `before` is not given. */
  readonly capabilities?: string
  readonly before?: string
  /** True: it was answered. */
  readonly on?: (talk: Talk) => boolean
  readonly tls?: SecureContext
  readonly isTls?: boolean
  /** Cuts what it says into pieces of one byte. */
  readonly isSlow?: boolean
  /** What is said instead of asking for a literal, without its tag. */
  readonly toLiteral?: (bytes: number) => string | undefined
}

export type Server = {
  readonly port: number
  /** All commands, without tags. */
  readonly commands: string[]
  open(o?: Partial<ImapOptions> & { readonly security?: Endpoint['security'] }): Promise<Mailbox>
  [Symbol.asyncDispose](): Promise<void>
}

export const usual = 'IMAP4rev1 LITERAL+ UIDPLUS IDLE CONDSTORE'
export const extended = `${usual} LIST-EXTENDED SPECIAL-USE LIST-STATUS NAMESPACE ESEARCH`

export async function startServer(script: Script = {}): Promise<Server> {
  const sockets = new Set<Socket>()
  const commands: string[] = []
  let count = 0
  const server = createServer((socket) => {
    socket.setNoDelay(true).on('error', () => {})
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    new Dialogue(socket, script, commands, count++).begin()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const stop = new AbortController()
  return {
    port,
    commands,
    open: ({ security = 'none', ...o } = {}) =>
      openImap({
        endpoint: { host: '127.0.0.1', port, security },
        login: { kind: 'password', user: 'ann', password: 'secret-word' },
        signal: stop.signal,
        patience: { greetingMs: 20_000, silentMs: 20_000 },
        ...o,
      }),
    async [Symbol.asyncDispose]() {
      stop.abort()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

class Dialogue {
  #socket: Socket
  readonly #script: Script
  readonly #commands: string[]
  readonly #connection: number
  #held = ''
  /** The command so far, and how long it must get before its line goes on. */
  #command = ''
  #until = 0

  constructor(socket: Socket, script: Script, commands: string[], connection: number) {
    this.#socket = socket
    this.#script = script
    this.#commands = commands
    this.#connection = connection
  }

  begin(): void {
    if (this.#script.isTls === true) this.#startTls()
    else this.#listen()
    this.#raw(`${this.#script.greeting ?? `* OK [CAPABILITY ${this.#before}] ready`}\r\n`)
  }

  get #before(): string {
    return this.#script.before ?? this.#script.capabilities ?? usual
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#held += chunk.toString('latin1')
      while (this.#step());
    })
  }

  #step(): boolean {
    const missing = this.#until - this.#command.length
    if (missing > 0) {
      this.#command += this.#held.slice(0, missing)
      this.#held = this.#held.slice(missing)
      if (this.#until > this.#command.length) return false
    }
    const end = this.#held.indexOf('\r\n')
    if (end === -1) return false
    this.#command += this.#held.slice(0, end)
    this.#held = this.#held.slice(end + 2)
    const literal = /\{(\d+)(\+?)\}$/.exec(this.#command)
    if (literal === null) return this.#answer()
    const instead = literal[2] === '' ? this.#script.toLiteral?.(Number(literal[1])) : undefined
    if (instead !== undefined) {
      this.#raw(`${this.#command.split(' ')[0]} ${instead}\r\n`)
      this.#command = ''
      return true
    }
    this.#command += '\r\n'
    this.#until = this.#command.length + Number(literal[1])
    if (literal[2] === '') this.#raw('+ go on\r\n')
    return true
  }

  #answer(): boolean {
    const whole = this.#command
    this.#command = ''
    this.#until = 0
    const space = whole.indexOf(' ')
    const [tag, command] = space === -1 ? ['', whole] : [whole.slice(0, space), whole.slice(space + 1)]
    this.#commands.push(command)
    const talk = this.#talk(tag, command)
    if (this.#script.on?.(talk) !== true) this.#usual(talk)
    return true
  }

  #talk(tag: string, command: string): Talk {
    return {
      tag,
      command,
      connection: this.#connection,
      say: (...lines) => this.#raw(lines.map((line) => `${line}\r\n`).join('')),
      raw: (bytes) => this.#raw(bytes),
      ok: (words = 'done') => this.#raw(`${tag} OK ${words}\r\n`),
      hangUp: () => this.#socket.end(),
      startTls: () => this.#startTls(),
    }
  }

  #usual({ tag, command, say, ok }: Talk): void {
    if (command === 'CAPABILITY') say(`* CAPABILITY ${this.#before}`)
    if (/^(?:LOGIN|AUTHENTICATE) /.test(command))
      return ok(`[CAPABILITY ${this.#script.capabilities ?? usual}] logged in`)
    if (command === 'LIST "" ""') say('* LIST (\\Noselect) "/" ""')
    if (/^(?:SELECT|EXAMINE) /.test(command)) {
      say(
        '* 1 EXISTS',
        '* OK [UIDVALIDITY 7] ',
        '* OK [UIDNEXT 10] ',
        '* FLAGS (\\Seen)',
        '* OK [PERMANENTFLAGS (\\Seen \\*)] ',
      )
    }
    if (command === 'LOGOUT') say('* BYE')
    if (tag !== '') ok()
  }

  #raw(bytes: string): void {
    if (this.#socket.destroyed) return
    if (this.#script.isSlow !== true) this.#socket.write(bytes, 'latin1')
    else for (const byte of bytes) this.#socket.write(byte, 'latin1')
  }

  #startTls(): void {
    this.#socket.removeAllListeners('data')
    this.#held = ''
    const { tls } = this.#script
    this.#socket = new TLSSocket(this.#socket, { isServer: true, ...(tls === undefined ? {} : { secureContext: tls }) })
    this.#socket.on('error', () => {})
    this.#listen()
  }
}

/** Answers by the beginning of the command. */
export function by(answers: Readonly<Record<string, readonly string[]>>): NonNullable<Script['on']> {
  return ({ command, tag, say }: Talk) => {
    const found = Object.entries(answers).find(([begin]) => command.startsWith(begin))
    if (found === undefined) return false
    say(...found[1].map((line) => line.replace('TAG', tag)))
    if (!found[1].some((line) => line.startsWith('TAG'))) say(`${tag} OK done`)
    return true
  }
}

/** The trouble that it ends in. */
export async function troubleIn(work: () => Promise<unknown>): Promise<MailboxTrouble> {
  try {
    await work()
  } catch (error) {
    if (error instanceof MailboxTrouble) return error
    throw error
  }
  throw new Error('nothing went wrong')
}

export async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of from) items.push(item)
  return items
}

export const inbox = { id: 'INBOX', path: ['INBOX'], use: 'inbox', holdsMessages: true, isSubscribed: true } as const
