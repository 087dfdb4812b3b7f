/** F9: a next hop says 4xx or 5xx at any step, to all or to half of the recipients. */
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import type { Behaviour, Step, Words } from './hop.ts'
import { type Ledger } from './ledger.ts'
import { balance, totals } from './queue-client.ts'
import type { Told } from './sender.ts'
import { type Stage, setStage } from './stage.ts'

export const f09: Fault = { id: 'F9', title: 'next hop says 4xx or 5xx', run }

type Case = {
  readonly name: string
  readonly behaviour: Behaviour
  /** What becomes of the four recipients of each message; half: the even ones. */
  readonly is: 'deferred' | 'refused' | 'half deferred' | 'half refused'
}

const at =
  (step: Step, words: Words): Behaviour =>
  (said) =>
    said.step === step ? words : undefined
const half =
  (words: Words): Behaviour =>
  ({ step, line }) =>
    step === 'RCPT' && /[02468]@/.test(line) ? words : undefined

const cases: readonly Case[] = [
  { name: '421 at connect', behaviour: at('connect', '421 4.3.2 too busy'), is: 'deferred' },
  { name: '554 at connect', behaviour: at('connect', '554 5.3.2 not here'), is: 'deferred' },
  { name: '451 at MAIL', behaviour: at('MAIL', '451 4.3.0 later'), is: 'deferred' },
  { name: '550 at MAIL', behaviour: at('MAIL', '550 5.1.8 bad sender'), is: 'refused' },
  { name: '450 at RCPT', behaviour: at('RCPT', '450 4.2.1 later'), is: 'deferred' },
  { name: '550 at RCPT', behaviour: at('RCPT', '550 5.1.1 nobody'), is: 'refused' },
  { name: '451 at DATA', behaviour: at('DATA', '451 4.3.0 later'), is: 'deferred' },
  { name: '554 at DATA', behaviour: at('DATA', '554 5.6.0 never'), is: 'refused' },
  { name: '451 at the dot', behaviour: at('dot', '451 4.3.0 later'), is: 'deferred' },
  { name: '552 at the dot', behaviour: at('dot', '552 5.3.4 too much'), is: 'refused' },
  { name: '450 to half', behaviour: half('450 4.2.1 later'), is: 'half deferred' },
  { name: '550 to half', behaviour: half('550 5.1.1 nobody'), is: 'half refused' },
]

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  const each = isShort ? 2 : 20
  // One hop for each case: what one does must not make the others wait.
  const tenants = cases.map((_, i) => `t${i}`)
  await using stage = await setStage({ tenants: ['fabrikam', ...tenants] })
  const checks = makeChecks()
  await stage.start()
  for (const [i, one] of cases.entries()) {
    stage.hop(`t${i}`).behave(one.behaviour)
    for (let n = 0; n < each; n++) {
      const to = [1, 2, 3, 4].map((k) => `r${n}.${k}@t${i}.example`)
      const told = await stage.sender().send(stage.ledger.write({ from: 'a@contoso.example', to }))
      checkAnswer(one, told, checks.must)
    }
    say(one.name)
  }
  const attempts = tenants.map((name) => tried(stage, name))
  await sleep(isShort ? 1500 : 20_000)
  // Nobody is asked again and again: a few probes, not one attempt for each message and second.
  for (const [i, one] of cases.entries()) {
    const more = tried(stage, `t${i}`) - (attempts[i] ?? 0)
    checks.must(more <= each + 2, `${one.name}: ${more} further attempts within seconds`)
  }
  const before = await totals(stage.served)
  for (const name of tenants) stage.hop(name).behave(undefined)
  await stage.drain()
  const count = await stage.count()
  const reports = stage.hop('home').attempts
  checks.must(reports === each, `${reports} reports, expected one for each of ${each} messages that half were refused`)
  checkEnds(count, each, checks.must, before !== undefined)
  return {
    count,
    did: `${cases.length} cases, ${each * cases.length} messages to 4 each`,
    broken: [...brokenCounts(count), ...checks.broken, ...(await balance(stage.served))],
  }
}

const tried = (stage: Stage, name: string): number => stage.hop(name).attempts + stage.hop(name).connections.all

function checkAnswer({ name, is }: Case, { reply }: Told, must: (holds: boolean, sentence: string) => void): void {
  if (is === 'refused') must(/^55\d/.test(reply), `${name}: the sender was told ${JSON.stringify(reply)}`)
  else must(reply.startsWith('250'), `${name}: the sender was told ${JSON.stringify(reply)}`)
}

/** Of four recipients, how many end where. */
function checkEnds(
  count: ReturnType<Ledger['count']>,
  each: number,
  must: (holds: boolean, sentence: string) => void,
  hasQueue: boolean,
): void {
  if (!hasQueue) return
  const of = (...kinds: readonly Case['is'][]): number => cases.filter(({ is }) => kinds.includes(is)).length * each
  const returned = 2 * of('half refused')
  const delivered = 4 * of('deferred', 'half deferred') + 2 * of('half refused')
  must(count.returned === returned, `${count.returned} returned, expected ${returned}`)
  must(count.delivered === delivered, `${count.delivered} delivered, expected ${delivered}`)
}
