/** Hands reports that are due to the gateway's own mail; what cannot go now is tried again. */
import { allBatches, batchById, setMoment, setReportDue } from './batches.ts'
import { reportFiles } from './report.ts'
import type { Scheduler } from './scheduler.ts'
import type { Batch } from './tables.ts'

export type Postman = { close(): Promise<void> }

const everyMs = 2000
const afterFailureMs = 5 * 60_000

export function makePostman(s: Scheduler): Postman {
  const { db, now } = s.ground
  const notBefore = new Map<number, number>()
  let going: Promise<void> | undefined

  const deliver = async (): Promise<void> => {
    for (const batch of allBatches(db)) {
      if (batch.reportDue === undefined || (notBefore.get(batch.id) ?? 0) > now()) continue
      const sent = await s.ground.sendReport(letterOf(s, batch, batch.reportDue))
      if (!sent.ok) {
        notBefore.set(batch.id, now() + afterFailureMs)
        s.ground.onTrouble(`the report on ${batch.name} cannot be sent: ${sent.why}`)
        continue
      }
      setMoment(db, batch.id, 'reportedAt', now())
      // Another may have become due meanwhile.
      if (batchById(db, batch.id)?.reportDue === batch.reportDue) setReportDue(db, batch.id, undefined)
    }
  }
  const timer = setInterval(() => {
    going ??= deliver()
      .catch((error: unknown) => s.ground.onTrouble(`reports: ${String(error)}`))
      .finally(() => {
        going = undefined
      })
  }, everyMs)
  return {
    async close() {
      clearInterval(timer)
      await going
    },
  }
}

const occasions: Readonly<Record<string, string>> = {
  first: 'the first pass is done',
  completed: 'completed',
  interval: 'report',
  asked: 'report',
}

function letterOf(s: Scheduler, batch: Batch, occasion: string) {
  const files = reportFiles(s, batch)
  return {
    to: batch.settings?.notify ?? [],
    subject: `Migration batch ${batch.name}: ${occasions[occasion] ?? 'report'} (${batch.status})`,
    text: files.text,
    html: files.html,
    files: [
      { name: 'MigrationStatistics.csv', csv: files.statistics },
      { name: 'MigrationErrors.csv', csv: files.errors },
    ],
  }
}
