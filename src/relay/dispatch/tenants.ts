/**
 * Mail is held while the project does not have the tenant that it came from. Once the project has it again the mail goes on by
 * itself, so it is looked for when a tenant is there for the first time, or mail was held for it since.
 */
import type { Touched } from '../../queue/queue.ts'
import type { WorkerParts } from './worker.ts'

export type Returners = {
  /** How many recipients wait again. */
  tick(): Promise<number>
}

export function makeReturners({ queue, project, recorder, missed }: WorkerParts): Returners {
  // By a process before this one, mail may have been held for any of them.
  const lookedFor = new Set<string>()
  let isRunning = false
  const tell = (touched: readonly Touched[]): void => {
    for (const { id, messageId, sender, recipients } of touched)
      for (const one of recipients)
        recorder.again({ id, messageId, sender }).queued('KEEP', one, 'its tenant is in the project again: it is tried')
  }
  return {
    async tick() {
      const names = project()?.tenants.map(({ name }) => name) ?? []
      const back = names.filter((name) => !lookedFor.has(name) || missed.has(name))
      if (isRunning || back.length === 0) return 0
      isRunning = true
      for (const name of back) missed.delete(name)
      try {
        const count = queue.figures.held === 0 ? 0 : await queue.resume(back, tell)
        for (const name of back) lookedFor.add(name)
        return count
      } catch (error) {
        // Asked again with the next tick.
        for (const name of back) missed.add(name)
        throw error
      } finally {
        isRunning = false
      }
    },
  }
}
