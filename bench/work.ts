/**
 * What is measured: the cells of the table, and what docs/speed.md says that Causeway must reach in each, as ratios to
 * Postfix + OpenDKIM in the same run.
 */

export const sizes = ['4k', '50k', '1m'] as const
export type Size = (typeof sizes)[number]

export type Cell = {
  readonly size: Size
  /** Connections that send at the same time. */
  readonly connections: number
  /** STARTTLS on both sides. */
  readonly isTls: boolean
  /** Every message comes by a connection of its own. */
  readonly isNewEach: boolean
  /** Nothing listens at the next hop while messages are sent: all of them go to the queue, and out of it afterwards. */
  readonly isDown: boolean
}

const kept = (size: Size, connections: number, isTls: boolean): Cell => ({
  size,
  connections,
  isTls,
  isNewEach: false,
  isDown: false,
})

/** Plain first: the servers are set up once without TLS and once with it. */
export const cells: readonly Cell[] = [
  kept('4k', 1, false),
  kept('4k', 20, false),
  kept('50k', 1, false),
  kept('50k', 20, false),
  kept('1m', 20, false),
  { ...kept('4k', 1, false), isDown: true },
  { ...kept('4k', 20, false), isDown: true },
  { ...kept('4k', 100, false), isDown: true },
  kept('4k', 1, true),
  kept('4k', 20, true),
  kept('50k', 1, true),
  kept('50k', 20, true),
  { ...kept('4k', 20, true), isNewEach: true },
]

const kinds: readonly ((cell: Cell) => string)[] = [
  (cell) => cell.size,
  (cell) => `c${cell.connections}`,
  (cell) => (cell.isTls ? 'tls' : 'plain'),
  (cell) => (cell.isNewEach ? 'new' : 'kept'),
  (cell) => (cell.isDown ? 'down' : 'up'),
]

export const cellName = (cell: Cell): string => kinds.map((kind) => kind(cell)).join(' ')

/** Every word that `--only` knows. */
export const cellWords: readonly string[] = [...new Set(cells.flatMap((cell) => kinds.map((kind) => kind(cell))))]

/** `4k,50k,c20`: either size, and 20 connections; words of one kind widen the choice, those of another narrow it. */
export function chooseCells(words: readonly string[]): readonly Cell[] {
  return cells.filter((cell) =>
    kinds.every((kind) => {
      const wanted = words.filter((word) => cells.some((any) => kind(any) === word))
      return wanted.length === 0 || wanted.includes(kind(cell))
    }),
  )
}

/** At least this many times the messages per second of the other server; undefined: no mark is set. */
export function mustRatio(cell: Cell): number | undefined {
  if (cell.isDown) return 5
  if (cell.isNewEach) return cell.size === '4k' && cell.isTls ? 2 : undefined
  if (cell.isTls) return cell.size === '50k' ? 4 : undefined
  return cell.size === '1m' ? 5 : 6
}

/** At most this part of the other server's 99th percentile of a transaction. */
export function mustP99(cell: Cell): number | undefined {
  return cell.size === '4k' && cell.connections === 20 && !cell.isTls && !cell.isDown ? 0.25 : undefined
}

export const mustMegabytes = 150
