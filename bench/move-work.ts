/** What is measured of the mailbox move: which mailboxes, at what distance, with how many workers and connections. */

/** Of every mailbox on both servers. */
export const password = 'pw'

export type Pass = 'first' | 'second' | 'changed'

export type MoveCell = {
  readonly name: string
  /** Mailboxes of the source: `one` big, `small` for the distance, `many`. */
  readonly mailboxes: 'one' | 'small' | 'many'
  readonly isFar: boolean
  readonly workers: number
  /** On each side of a mailbox; peers have one. */
  readonly connections: number
  readonly passes: readonly Pass[]
  /** As a ratio to mbsync, by pass: at least so many times its speed. */
  readonly must: Partial<Record<Pass, number>>
}

export const cells: readonly MoveCell[] = [
  {
    name: 'one mailbox',
    mailboxes: 'one',
    isFar: false,
    workers: 1,
    connections: 1,
    passes: ['first', 'second', 'changed'],
    must: { first: 1 },
  },
  {
    name: 'one mailbox, far away',
    mailboxes: 'small',
    isFar: true,
    workers: 1,
    connections: 1,
    passes: ['first', 'second'],
    must: { first: 3, second: 1 },
  },
  {
    name: 'one mailbox, far away, four connections',
    mailboxes: 'small',
    isFar: true,
    workers: 1,
    connections: 4,
    passes: ['first'],
    must: { first: 8 },
  },
  {
    name: 'twenty mailboxes, four workers',
    mailboxes: 'many',
    isFar: false,
    workers: 4,
    connections: 1,
    passes: ['first', 'second'],
    must: { first: 1 },
  },
]
