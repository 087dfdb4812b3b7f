/** The memory of the program, while it is looked at. */
import type { Stage } from './stage.ts'

/** The most resident memory that it ever takes from now on, in megabytes. */
export function watchRss({ served, defer }: Pick<Stage, 'served' | 'defer'>): () => number {
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, served.rssMegabytes())
  }, 50)
  defer(() => clearInterval(timer))
  return () => most
}
