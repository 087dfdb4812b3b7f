/** F31: the directory changes under load, two people at a time. No message sees one of them new and the other old. */
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { type Stage, setStage } from './stage.ts'

export const f31: Fault = { id: 'F31', title: 'table changes under load', run }

const people = ['ann', 'bob'] as const

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  await using stage = await setStage({ outside: true })
  const checks = makeChecks()
  await stage.start()
  const seen = { torn: [] as string[], versions: new Set<string>() }
  stage.hop('outside').behave(({ step, beginning }) => {
    if (step === 'dot') look(beginning(), seen)
    return undefined
  })
  await change(stage, 0)
  const addresses = people.map((name) => `${name}@fabrikam.example`).join(', ')
  const crowd = stage.crowd({
    senders: 6,
    next: (n) =>
      stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@partner.example`], above: `Cc: ${addresses}\r\n` }),
  })
  const changes = isShort ? 30 : 120
  for (let n = 1; n <= changes; n++) {
    await sleep(isShort ? 100 : 1000)
    await change(stage, n)
  }
  await crowd.stop()
  say(`${changes} changes, ${stage.ledger.acceptedSoFar} messages`)
  await stage.drain()
  const count = await stage.count()
  checks.must(seen.torn.length === 0, `${seen.torn.length} saw half a change, such as ${seen.torn[0] ?? ''}`)
  checks.must(seen.versions.size > changes / 2, `only ${seen.versions.size} of ${changes} changes were seen`)
  const several = await withSeveralVersions(stage)
  checks.must(several.messages > 0, 'the trace names no version of the table')
  checks.must(several.mixed === 0, `the trace of ${several.mixed} messages names more than one version of the table`)
  return { count, did: `${changes} changes`, broken: [...brokenCounts(count), ...checks.broken] }
}

/** Both at once, in one change. */
async function change({ served }: Stage, n: number): Promise<void> {
  const put = people.map((name) => ({ internal: `${name}@fabrikam.example`, external: `${name}.v${n}@shared.example` }))
  const remove = n === 0 ? [] : people.map((name) => `${name}@fabrikam.example`)
  const answer = await served.ask('POST', '/v1/directory', { put, remove })
  if (answer?.status !== 200) throw new Error(`the change was refused: ${JSON.stringify(answer?.body)}`)
}

/** `Cc: ann.v7@shared.example, bob.v7@shared.example` */
function look(beginning: string, seen: { readonly torn: string[]; readonly versions: Set<string> }): void {
  const [cc = ''] = /^Cc: .*$/m.exec(beginning) ?? []
  const [ann, bob] = people.map((name) => new RegExp(`${name}\\.(v\\d+)@`).exec(cc)?.[1])
  if (ann === undefined || ann !== bob) seen.torn.push(cc)
  else seen.versions.add(ann)
}

type Event = { readonly id: string; readonly tableVersion?: number }

async function withSeveralVersions({ served }: Stage): Promise<{ messages: number; mixed: number }> {
  const answer = await served.ask('GET', '/v1/trace?limit=10000')
  const { events = [] } = (answer?.body ?? {}) as { events?: readonly Event[] }
  const versions = new Map<string, Set<number>>()
  for (const { id, tableVersion } of events) {
    if (tableVersion === undefined) continue
    versions.set(id, (versions.get(id) ?? new Set()).add(tableVersion))
  }
  return { messages: versions.size, mixed: [...versions.values()].filter((one) => one.size > 1).length }
}
