import type { Command, Piece } from './command.ts'
import type { Answer, Connection } from './connection.ts'
import type { Selected } from './selected.ts'
import type { SizeBook } from './size-book.ts'

type Asked = Pick<Command, 'take' | 'hear'> & { readonly what: string; readonly pieces: readonly Piece[] }

/** Commands that mean something only while their folder is open. */
export class FolderWork {
  readonly connection: Connection
  readonly selected: Selected
  readonly sizes: SizeBook

  constructor(connection: Connection, selected: Selected, sizes: SizeBook) {
    this.connection = connection
    this.selected = selected
    this.sizes = sizes
  }

  /** Those who have not asked for everything yet, in whatever they do. */
  readonly #asking = new Set<Promise<unknown>>()

  /** `asked` resolves once nothing more will be asked for. */
  busyUntil(asked: Promise<unknown>): void {
    this.#asking.add(asked)
    const forget = (): boolean => this.#asking.delete(asked)
    asked.then(forget, forget)
  }

  /** Everything that was begun here has been asked for; the answers may still be on their way. */
  async allAsked(): Promise<void> {
    while (this.#asking.size > 0) await Promise.allSettled(this.#asking)
  }

  /** Rejects when the folder is not open any more, or changes while the command is under way. */
  async run(asked: Asked): Promise<Answer> {
    this.#mustBeOpen()
    const answer = await this.connection.run({ ...asked, about: 'message' })
    if (this.selected.over?.kind === 'changed') throw this.selected.over
    return answer
  }

  #mustBeOpen(): void {
    if (this.selected.over !== undefined) throw this.selected.over
  }
}
