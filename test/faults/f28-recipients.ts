/** F28: 5,000 recipients, half of whom the next hop refuses. Each has one end, and each message one report. */
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { balance } from './queue-client.ts'
import { setStage } from './stage.ts'

export const f28: Fault = { id: 'F28', title: '5,000 recipients', run }

/** What we take in one transaction (docs/failures.md). */
const limit = 1000

async function run({ isShort }: RunOptions): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  await stage.start()
  stage
    .hop('fabrikam')
    .behave(({ step, line }) => (step === 'RCPT' && /[02468]@/.test(line) ? '550 5.1.1 nobody' : undefined))
  const transactions = isShort ? 1 : 5
  const sender = stage.sender()
  for (let t = 0; t < transactions; t++) {
    const to = Array.from({ length: limit }, (_, n) => `r${t}.${n}@fabrikam.example`)
    const { reply } = await sender.send(stage.ledger.write({ from: 'a@contoso.example', to }))
    checks.must(reply.startsWith('250'), `the sender was told ${JSON.stringify(reply)}`)
  }
  // One too many is told so, and the others are taken.
  const many = Array.from({ length: limit + 5 }, (_, n) => `m${n}x@fabrikam.example`)
  const told = await sender.send(stage.ledger.write({ from: 'a@contoso.example', to: many }))
  const beyond = told.recipients.slice(limit)
  checks.must(
    beyond.every((reply) => reply.startsWith('452 4.5.3')),
    `beyond the limit: ${beyond[0] ?? ''}`,
  )
  await stage.drain()
  const count = await stage.count()
  const half = (transactions * limit) / 2
  checks.must(count.delivered === half + limit, `${count.delivered} delivered, expected ${half + limit}`)
  checks.must(count.returned === half, `${count.returned} returned, expected ${half}`)
  const reports = stage.hop('home').attempts
  checks.must(reports === transactions, `${reports} reports, expected one for each of ${transactions} messages`)
  const broken = [...brokenCounts(count), ...checks.broken, ...(await balance(stage.served))]
  return { count, did: `${transactions + 1} messages`, broken }
}
