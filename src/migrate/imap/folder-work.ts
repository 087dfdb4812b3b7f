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
