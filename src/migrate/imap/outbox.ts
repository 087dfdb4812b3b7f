import type { Socket } from 'node:net'
import type { LargeContent } from '../mailbox/mailbox.ts'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import { type Command, joined, type Piece } from './command.ts'
import { wordsOf } from './dial.ts'

/** RFC 7888: literals need not wait to be asked for; with LITERAL- only up to this size. */
const minusBytes = 4096

export type Literals = 'plus' | 'minus' | 'waiting'

type Writing = { readonly tag: string; readonly pieces: readonly Piece[]; next: number; readonly left: () => void }

export type OutboxEvents = {
  /** The socket may be written to again after a command that had to wait. */
  readonly free: () => void
  /** A literal was begun and cannot be ended: nothing that would be sent now means anything. */
  readonly broken: (tag: string, trouble: MailboxTrouble) => void
}

/** Writes commands one after another. A literal that the server wants to be asked about holds up the rest until it says `+`. */
export class Outbox {
  literals: Literals = 'waiting'
  #socket: Socket
  readonly #events: OutboxEvents
  #writing: Writing | undefined
  #waits: (() => void) | undefined
  #isCorked = false

  constructor(socket: Socket, events: OutboxEvents) {
    this.#socket = socket
    this.#events = events
  }

  /** A command is only half written. */
  get isBusy(): boolean {
    return this.#writing !== undefined
  }

  moveTo(socket: Socket): void {
    this.#socket = socket
  }

  /** `left` is called when its last byte was given to the socket. */
  send(tag: string, command: Command, left: () => void): void {
    this.#writing = { tag, pieces: joined([`${tag} `, ...command.pieces, '\r\n']), next: 0, left }
    this.#goOn(this.#writing)
  }

  /** One line outside of any command: DONE, the answer to a challenge. */
  say(line: string): void {
    this.#text(`${line}\r\n`)
  }

  /** `+` came. False: no literal waited for it. */
  continued(): boolean {
    const goOn = this.#waits
    this.#waits = undefined
    goOn?.()
    return goOn !== undefined
  }

  /** The command was answered. What still waits to be asked for is not sent any more. */
  answered(tag: string): void {
    if (this.#writing?.tag !== tag || this.#waits === undefined) return
    this.#waits = undefined
    this.#writing = undefined
  }

  #goOn(writing: Writing): void {
    while (writing.next < writing.pieces.length) {
      const piece = writing.pieces[writing.next]
      const after = writing.pieces[writing.next + 1]
      writing.next += 1
      if (typeof piece === 'string')
        this.#text(after === undefined || typeof after === 'string' ? piece : piece + this.#marker(after))
      else if (piece !== undefined && this.#mustWait(piece)) return this.#wait(writing, piece)
      else if (Buffer.isBuffer(piece)) this.#bytes(piece)
    }
    this.#writing = undefined
    writing.left()
  }

  /** Every literal has text before it: the tag at least, and `joined` leaves text between any two. */
  #marker(literal: Buffer | LargeContent): string {
    const size = Buffer.isBuffer(literal) ? literal.length : literal.size
    return `{${size}${this.#mustWait(literal) ? '' : '+'}}\r\n`
  }

  /** What is read in pieces always waits: the server may say that it is too large before we have fetched it. */
  #mustWait(literal: Buffer | LargeContent): boolean {
    if (!Buffer.isBuffer(literal) || this.literals === 'waiting') return true
    return this.literals === 'minus' && literal.length > minusBytes
  }

  #wait(writing: Writing, literal: Buffer | LargeContent): void {
    this.#waits = () => {
      if (Buffer.isBuffer(literal)) {
        this.#bytes(literal)
        this.#resume(writing)
      } else {
        void this.#stream(writing, literal)
      }
    }
  }

  #resume(writing: Writing): void {
    this.#goOn(writing)
    if (this.#writing === undefined) this.#events.free()
  }

  /** No faster than the socket takes it. A content that is not as long as it said would be read as commands: it ends the connection. */
  async #stream(writing: Writing, content: LargeContent): Promise<void> {
    let written = 0
    try {
      for await (const piece of content.read()) {
        written += piece.length
        if (written > content.size || this.#socket.destroyed) break
        if (!this.#socket.write(piece)) await drained(this.#socket)
      }
    } catch (error) {
      const trouble =
        error instanceof MailboxTrouble
          ? error
          : new MailboxTrouble('refused', `it could not be read: ${wordsOf(error)}`)
      return this.#events.broken(writing.tag, trouble)
    }
    if (this.#socket.destroyed) return
    if (written === content.size) return this.#resume(writing)
    this.#events.broken(writing.tag, new MailboxTrouble('hostile', 'a message is not as long as it was said to be'))
  }

  /** Every text is ours, or was looked at by `astring`: a line end in it can only be one that we meant. */
  #text(text: string): void {
    this.#cork()
    this.#socket.write(text, 'latin1')
  }

  #bytes(bytes: Buffer): void {
    this.#cork()
    this.#socket.write(bytes)
  }

  /** What is written in one go leaves in one packet. */
  #cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    const socket = this.#socket
    socket.cork()
    process.nextTick(() => {
      this.#isCorked = false
      socket.uncork()
    })
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.once('drain', done).once('close', done)
  })
}
