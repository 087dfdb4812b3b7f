/**
 * F10: the next hop has taken a message, and its reply to the final dot never comes, or comes late. The trace says of each
 * that it may have arrived.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import type { Behaviour } from './hop.ts'
import { balance } from './queue-client.ts'
import { type Stage, setStage } from './stage.ts'

export const f10: Fault = { id: 'F10', title: 'reply to the dot lost or late', run }

/** Longer than a sender is kept waiting (30 s), shorter than a next hop may take (RFC 5321 section 4.5.3.2.6: 10 minutes). */
const lateMs = 40_000
/** So long is waited for a reply to the dot, and a little more. */
const never = { patienceMs: 10 * 60_000, slackMs: 30_000 }

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  await using stage = await setStage({ tenants: ['fabrikam', 'reset', 'late', 'mute'] })
  const checks = makeChecks()
  await stage.start()
  stage.hop('fabrikam').behave(once('cut'))
  stage.hop('reset').behave(once('reset'))
  stage.hop('late').behave(late)
  stage.hop('mute').behave(once('mute'))
  const send = async (name: string, n: number): Promise<void> => {
    const told = await stage
      .sender()
      .send(stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@${name}.example`] }))
    checks.must(told.reply.startsWith('250'), `${name}: the sender was told ${JSON.stringify(told.reply)}`)
  }
  const from = performance.now()
  const mute = isShort ? 0 : 5
  const sentToMute = Promise.all(Array.from({ length: mute }, (_, n) => send('mute', n)))
  const each = isShort ? 10 : 100
  for (let n = 0; n < each; n++) await Promise.all([send('fabrikam', n), send('reset', n)])
  say('closed and reset')
  const slow = isShort ? 0 : 20
  await Promise.all(Array.from({ length: slow }, (_, n) => send('late', n)))
  await sentToMute
  if (slow > 0) await sleep(lateMs - 30_000 + 5000)
  if (mute > 0) {
    say('late')
    await sleep(never.patienceMs + never.slackMs - (performance.now() - from))
  }
  await stage.drain()
  const count = await stage.count()
  checks.must(count.kept === 0, `${count.kept} are still in the queue`)
  const uncertain = await unknownOutcomes(stage)
  const lost = 2 * each + mute
  checks.must(uncertain >= lost, `the trace tells of ${uncertain} unknown outcomes, and ${lost} replies were lost`)
  if (slow > 0) {
    const twice = Array.from({ length: slow }, (_, n) => n).filter(
      (n) => stage.ledger.order.filter(({ recipient }) => recipient === `r${n}@late.example`).length !== 1,
    )
    checks.must(twice.length === 0, `${twice.length} of the late ones did not come once`)
  }
  return {
    count,
    did: `${2 * each} replies lost, ${mute} never said, ${slow} late by ${lateMs / 1000} s`,
    measured: `${uncertain} told as unknown in the trace`,
    broken: [...brokenCounts(count), ...checks.broken, ...(await balance(stage.served))],
  }
}

/** Attempts of which nobody can know what became, by the trace. */
async function unknownOutcomes({ served }: Stage): Promise<number> {
  const answer = await served.ask('GET', '/v1/trace?limit=10000')
  const { events = [] } = (answer?.body ?? {}) as { events?: readonly { readonly why?: string }[] }
  return events.filter(({ why }) => why?.startsWith('unknown outcome') === true).length
}

/** The reply is lost for the first copy of each message only: a hop that never answers would be asked for ever. */
function once(how: 'cut' | 'reset' | 'mute'): Behaviour {
  const seen = new Set<string>()
  return ({ step, to, socket, take, lose }) => {
    const who = to.join()
    if (step !== 'dot' || seen.has(who)) return undefined
    seen.add(who)
    if (how === 'cut') return 'cut'
    take()
    lose()
    if (how === 'reset') socket.resetAndDestroy()
    return 'silence'
  }
}

const late: Behaviour = ({ step, socket, take }) => {
  if (step !== 'dot') return undefined
  setTimeout(() => {
    if (socket.destroyed) return
    take()
    socket.write('250 2.0.0 taken at last\r\n')
  }, lateMs)
  return 'silence'
}
