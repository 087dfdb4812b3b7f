/** Asking the thread of the mailbox move, which may be away for a moment. */
import { MoveNotDone } from '../migrate/migrate.ts'
import { Problem } from './problem.ts'

export async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof MoveNotDone)) throw error
    const detail = error.isFull ? 'free space on the disk of the data folder, then ask again' : 'ask again in a moment'
    throw new Problem(error.isFull ? 507 : 503, `the mailbox move did not do this: ${error.message}`, detail)
  }
}
