/** F11: one next hop answers so slowly that it is as good as dead. Mail for the others goes as before. */
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../../bench/figures.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import type { Behaviour } from './hop.ts'
import { type Stage, setStage } from './stage.ts'

export const f11: Fault = { id: 'F11', title: 'tarpit', run }

/** As many connections as one destination gets (docs/flow.md), and a few that are just closing. */
const mostConnections = 22
/** Below this a difference is the machine's; the short form shares it with other tests, and a tarpit would be 20 s. */
const floorMs = { short: 500, long: 60 }

async function run({ isShort }: RunOptions): Promise<Finding> {
  await using stage = await setStage({ tenants: ['fabrikam', 'tarpit', 'trickle'] })
  const checks = makeChecks()
  await stage.start()
  stage.hop('tarpit').behave(slowly(20_000))
  stage.hop('trickle').behave(trickle)
  const quiet = await others(stage, isShort ? 1500 : 10_000)
  const stuck = ['tarpit', 'trickle'].map((name) =>
    stage.crowd({
      senders: 30,
      pauseMs: 300, // once the hop is known to be slow, its mail is taken at once
      next: (n) => stage.ledger.write({ from: 'a@contoso.example', to: [`${name}${n}@${name}.example`] }),
    }),
  )
  await sleep(1000)
  const busy = await others(stage, isShort ? 3000 : 60_000)
  const most = Math.max(...['tarpit', 'trickle'].map((name) => stage.hop(name).connections.most))
  checks.must(most <= mostConnections, `${most} connections to one destination`)
  checks.must(
    busy < Math.max(2 * quiet, floorMs[isShort ? 'short' : 'long']),
    `p95 of the others rose from ${quiet.toFixed(1)} to ${busy.toFixed(1)} ms`,
  )
  for (const name of ['tarpit', 'trickle']) stage.hop(name).behave(undefined)
  // Who waits for a slow one is not answered before the deadline: this is not about them.
  await stage.kill()
  await Promise.all(stuck.map((crowd) => crowd.stop()))
  await stage.start()
  await stage.drain()
  const count = await stage.count()
  return {
    count,
    did: '60 senders stuck at two hops',
    measured: `p95 of the others ${quiet.toFixed(1)} ms before, ${busy.toFixed(1)} ms meanwhile, ${most} connections`,
    broken: [...brokenCounts(count), ...checks.broken],
  }
}

/** The 95th percentile of mail for a hop that is well. */
async function others(stage: Stage, forMs: number): Promise<number> {
  const crowd = stage.crowd({
    senders: 4,
    pauseMs: 10,
    next: () => stage.ledger.write({ from: 'a@contoso.example', to: ['well@fabrikam.example'] }),
  })
  await sleep(forMs)
  await crowd.stop()
  return percentile(crowd.tookMs, 0.95)
}

const answers: { readonly [step: string]: string } = {
  connect: '220 slow.example',
  EHLO: '250 slow.example',
  MAIL: '250 2.1.0 Ok',
}

/** Says the right thing, much later. */
function slowly(afterMs: number): Behaviour {
  return ({ step, socket }) => {
    const words = answers[step]
    if (words === undefined) return undefined
    setTimeout(() => socket.destroyed || socket.write(`${words}\r\n`), afterMs).unref()
    return 'silence'
  }
}

/** One byte after the other, without an end. */
const trickle: Behaviour = ({ step, socket }) => {
  if (step !== 'EHLO') return undefined
  const timer = setInterval(() => socket.write('2'), 500)
  socket.once('close', () => clearInterval(timer))
  return 'silence'
}
