/** Released recipients of one sender and one address leave one after the other. */
import type { Change } from './change.ts'
import { line as sql } from './sql.ts'

/** After something came to a line, left it, or stopped running: says who of those that wait is not behind. */
export function settleLine({ db, tally }: Change, line: string): void {
  const head = db.get(sql.head, line)
  if (head?.state === 'running') return
  const first = db.get(sql.first, line)
  if (first === undefined) return
  const [message, n] = [Number(first.message), Number(first.n)]
  if (head !== undefined) {
    if (isBefore(head, first)) return
    db.run(sql.setBehind, Number(head.message), Number(head.n), 1)
  }
  db.run(sql.setBehind, message, n, 0)
  tally.due(String(first.lane), Number(first.next_at))
}

type Place = Readonly<Record<string, unknown>>

/** In the order of arrival. */
function isBefore(a: Place, b: Place): boolean {
  const [one, other] = [Number(a.message), Number(b.message)]
  return one < other || (one === other && Number(a.n) < Number(b.n))
}
