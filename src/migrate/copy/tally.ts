/** What a pass has done so far, and telling it not too often. */
import type { PassOutcome, Progress } from './contract.ts'

type Done = Extract<PassOutcome, { readonly kind: 'done' }>

const tellEveryMs = 200

export class Tally {
  readonly done: { -readonly [K in keyof Omit<Done, 'kind'>]: Done[K] } = {
    copied: 0,
    bytes: 0,
    flags: 0,
    removed: 0,
    adopted: 0,
    skipped: 0,
    heldBack: 0,
  }
  readonly #progress: { -readonly [K in keyof Progress]: Progress[K] } = {
    folders: 0,
    foldersDone: 0,
    messages: 0,
    messagesDone: 0,
    bytes: 0,
    bytesDone: 0,
    skipped: 0,
  }
  readonly #tell: (p: Progress) => void
  #toldAt = 0

  constructor(tell: (p: Progress) => void) {
    this.#tell = tell
  }

  /** A new attempt plans what is left: what was done stays done. */
  planned(folders: number, messages: number): void {
    this.#progress.folders = folders
    this.#progress.foldersDone = 0
    this.#progress.messages = this.#progress.messagesDone + messages
    this.#progress.bytes = this.#progress.bytesDone
    delete this.#progress.waiting
    this.tell(true)
  }

  /** A folder was guessed to hold `guess` to copy, and does hold so many. */
  listed(guess: number, messages: number, bytes: number): void {
    this.#progress.messages += messages - guess
    this.#progress.bytes += bytes
    this.tell()
  }

  inFolder(name: string): void {
    this.#progress.folder = name
    this.tell()
  }

  folderDone(): void {
    this.#progress.foldersDone += 1
    this.tell()
  }

  copied(bytes: number, listedBytes: number): void {
    this.done.copied += 1
    this.done.bytes += bytes
    this.#settled(listedBytes)
  }

  skipped(listedBytes: number): void {
    this.done.skipped += 1
    this.#progress.skipped += 1
    this.#settled(listedBytes)
  }

  /** Planned, and gone before it was read. */
  vanished(messages: number): void {
    this.#progress.messages -= messages
    this.tell()
  }

  waiting(why: string, until?: number): void {
    this.#progress.waiting = until === undefined ? { why } : { why, until }
    this.tell(true)
  }

  goesOn(): void {
    delete this.#progress.waiting
  }

  tell(isUrgent = false): void {
    const now = performance.now()
    if (!isUrgent && now - this.#toldAt < tellEveryMs) return
    this.#toldAt = now
    this.#tell({ ...this.#progress })
  }

  #settled(listedBytes: number): void {
    this.#progress.messagesDone += 1
    this.#progress.bytesDone += listedBytes
    this.tell()
  }
}
