/** Looking up what the ledger knows, along a listing that ascends: pages of rows, never all of them. */
import type { Book, Known } from './book.ts'

const pageRows = 2000

export function knownCursor(book: Book, pair: number): (uid: number) => Known | undefined {
  let page: readonly Known[] = book.known(pair, 0, pageRows)
  let at = 0
  let last = 0
  return (uid) => {
    // RFC 9051 section 6.4.9 lets a server answer in any order; few do.
    if (uid <= last) return book.find(pair, [uid])[0]
    last = uid
    for (;;) {
      const row = page[at]
      if (row === undefined) {
        if (page.length < pageRows) return undefined
        page = book.known(pair, page.at(-1)?.uid ?? 0, pageRows)
        at = 0
      } else if (row.uid < uid) at += 1
      else return row.uid === uid ? row : undefined
    }
  }
}

/** All rows of a pair, page by page. */
export function* allKnown(book: Book, pair: number): Generator<readonly Known[]> {
  for (let after = 0; ; ) {
    const page = book.known(pair, after, pageRows)
    if (page.length > 0) yield page
    if (page.length < pageRows) return
    after = page.at(-1)?.uid ?? 0
  }
}
