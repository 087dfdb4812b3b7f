/** What goes wrong in the loop, as the log hears of it. */
import { NotDone } from '../../queue/queue.ts'

/** The queue is asked each second: a disk that is full for a night must not fill the log as well. */
const sameAgainMs = 60_000
const mostRemembered = 100

export type Complaints = (what: string, error: unknown) => void

/** The same once a minute. What the queue refuses is a sentence already; of our own faults the place is told. */
export function makeComplaints(onTrouble: (why: string) => void, now = () => performance.now()): Complaints {
  const toldAt = new Map<string, number>()
  return (what, error) => {
    const why = `${what}: ${reasonOf(error)}`
    if (now() - (toldAt.get(why) ?? Number.NEGATIVE_INFINITY) < sameAgainMs) return
    if (toldAt.size >= mostRemembered) toldAt.clear()
    toldAt.set(why, now())
    onTrouble(why)
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error instanceof NotDone ? error.message : (error.stack ?? error.message)
}
