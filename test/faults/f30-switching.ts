/**
 * F30: a domain is switched between open, hold and retry-later under load, and the program is killed now and then. Each
 * recipient has one fate; who was told 451 is nowhere; what was held comes out in the end, each sender's mail in its order.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import type { KeptOne, Letter } from './ledger.ts'
import { balance, keptIn, totals } from './queue-client.ts'
import type { Told } from './sender.ts'
import { type Stage, setStage } from './stage.ts'

export const f30: Fault = { id: 'F30', title: 'a domain is switched', run }

const modes = ['open', 'hold', 'retry-later'] as const
const senders = 6

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  await using stage = await setStage({
    tenants: ['fabrikam', 'northwind'],
    project: {
      domains: '  - { name: other.example }\n',
      directory: '  - { internal: "@northwind.example", external: "@other.example" }\n',
    },
  })
  const checks = makeChecks()
  await stage.start()
  const refused: KeptOne[] = []
  const crowd = stage.crowd({
    senders,
    localAddress: '127.0.0.2',
    pauseMs: 5,
    // One recipient in each of two domains: one is switched, the other always open.
    next: (_, k) =>
      stage.ledger.write({ from: `s${k}@outside.example`, to: [`a${k}@shared.example`, `b${k}@other.example`] }),
    told: (letter, told) => refused.push(...toldLater(letter, told)),
  })
  const seconds = isShort ? 8 : 300
  const switchMs = isShort ? 400 : 2000
  const killEvery = isShort ? 8 : 10
  let kills = 0
  for (let n = 1; n <= (seconds * 1000) / switchMs; n++) {
    const mode = modes[n % modes.length] ?? 'open'
    await switchTo(stage, mode)
    await sleep(switchMs)
    if (n % killEvery !== killEvery - 1) continue
    await stage.kill()
    await stage.start()
    kills += 1
    const found = await modeOf(stage)
    checks.must(found === mode, `the domain was in mode ${mode} before a kill, and in ${String(found)} after it`)
  }
  await crowd.stop()
  say(`${stage.ledger.acceptedSoFar} accepted, ${refused.length} told to come back, ${kills} kills`)
  const held = await keptIn(stage.served)
  checks.must(held.length > 0, 'nothing was held')
  checks.must(refused.length > 0, 'nobody was told to come back')
  const released = await releaseAll(stage, held.length)
  checks.must(
    released.tookMs > 0.8 * released.leastMs,
    `a release that should take ${released.leastMs} ms took ${released.tookMs}`,
  )
  const count = await stage.count()
  checks.must(count.kept === 0, `${count.kept} are still in the queue`)
  const ghosts = refused.filter(({ id, recipient }) => stage.ledger.arrivalsOf(id, recipient) > 0)
  checks.must(ghosts.length === 0, `${ghosts.length} were told 451 and delivered all the same`)
  const outOfOrder = firstOutOfOrder(stage, held)
  checks.must(outOfOrder === undefined, `out of order: ${outOfOrder ?? ''}`)
  const broken = [...brokenCounts(count), ...checks.broken, ...(await balance(stage.served))]
  return {
    count,
    did: `${seconds} s, ${kills} kills, ${held.length} held at the end`,
    measured: `${refused.length} told 451, released in ${(released.tookMs / 1000).toFixed(1)} s of at least ${(released.leastMs / 1000).toFixed(1)} s`,
    broken,
  }
}

/** Those whose RCPT was answered 451. */
function toldLater(letter: Letter, { recipients }: Told): readonly KeptOne[] {
  return letter.to
    .filter((_, i) => recipients[i]?.startsWith('451') === true)
    .map((recipient) => ({ id: letter.id, recipient }))
}

const switchTo = (stage: Stage, mode: (typeof modes)[number]): Promise<unknown> =>
  stage.served.ask('PUT', '/v1/domains/shared.example/mode', { mode })

async function modeOf({ served }: Stage): Promise<string | undefined> {
  const answer = await served.ask('GET', '/v1/domains')
  const { domains = [] } = (answer?.body ?? {}) as { domains?: readonly Domain[] }
  return domains.find(({ name }) => name === 'shared.example')?.mode
}
type Domain = { readonly name: string; readonly mode: string }

/** At a rate that takes some seconds, and in a long run not many minutes. */
async function releaseAll(stage: Stage, held: number): Promise<{ readonly leastMs: number; readonly tookMs: number }> {
  const perMinute = Math.max(6000, held * 2)
  await switchTo(stage, 'open')
  const from = performance.now()
  await stage.served.ask('POST', '/v1/domains/shared.example/release', { perMinute })
  const until = from + 60_000 + held * 20
  const leastMs = Math.round((held / perMinute) * 60_000)
  for (;;) {
    const now = await totals(stage.served)
    if (now === undefined || now.held + now.waiting + now.running === 0)
      return { leastMs, tookMs: Math.round(performance.now() - from) }
    if (performance.now() > until) throw new Error(`the release does not end: ${JSON.stringify(now)}`)
    await sleep(200)
  }
}

/** Of what was held, each sender's messages to one recipient: the numbers of the ledger must rise. */
function firstOutOfOrder(stage: Stage, held: readonly KeptOne[]): string | undefined {
  const wasHeld = new Set(held.filter(({ recipient }) => recipient.startsWith('a')).map(({ id }) => id))
  const last = new Map<string, number>()
  for (const { id, recipient } of stage.ledger.order) {
    if (!wasHeld.has(id) || !recipient.startsWith('a')) continue
    const number = Number(id.split('.')[1])
    if (number < (last.get(recipient) ?? 0)) return `${id} to ${recipient} came after ${last.get(recipient) ?? 0}`
    last.set(recipient, number)
  }
  return undefined
}
