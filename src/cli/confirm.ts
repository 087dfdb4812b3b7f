/** Asking before something is done that cannot be undone. */
import { type Io, Stop } from './io.ts'

/** Only the whole word counts. Where nobody can be asked, nothing is done. */
export async function isConfirmed(io: Io, what: string, isSaid: boolean): Promise<boolean> {
  if (isSaid) return true
  if (!io.isTerminal) throw new Stop(2, 'nothing was done: say --yes where nobody can be asked')
  if ((await io.ask(`Type yes to ${what}: `)).trim() === 'yes') return true
  io.err('nothing was done\n')
  return false
}
