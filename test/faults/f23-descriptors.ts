/**
 * F23: no more file descriptors: by a limit of 256, by a kernel that says so, and by a limit that falls while the program
 * runs. The listener lives through it, readiness says it, and mail of those who are in still leaves.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../support/smtp-client.ts'
import { brokenCounts, type Checks, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { addUp, type Count } from './ledger.ts'
import { firstOf, injecting, lacks, must as mustRun, noTracing } from './machine.ts'
import { drain } from './queue-client.ts'
import type { Sender } from './sender.ts'
import { type Stage, setStage } from './stage.ts'

export const f23: Fault = {
  id: 'F23',
  title: 'no file descriptors',
  cannot: () => firstOf(lacks('prlimit'), noTracing()),
  run,
}

/** Each is a destination of its own, so that mail for it needs a connection that is not there yet. */
const hops = ['fabrikam', 'h1', 'h2', 'h3', 'h4', 'h5']

type Part = { readonly count: Count; readonly measured: string; readonly broken: readonly string[] }

async function run({ say }: RunOptions): Promise<Finding> {
  const parts: Part[] = []
  for (const part of [fewFromTheStart, fewerMeanwhile, noneFromTheKernel]) {
    const done = await play(part)
    say(done.measured)
    parts.push(done)
  }
  return {
    count: addUp(parts.map(({ count }) => count)),
    did: '256 descriptors, none left, EMFILE',
    measured: parts.map(({ measured }) => measured).join('; '),
    broken: parts.flatMap(({ broken }) => broken),
  }
}

/** What is measured comes back; afterwards all must be as it was before. */
async function play(part: (stage: Stage, must: Checks['must']) => Promise<string>): Promise<Part> {
  await using stage = await setStage({ tenants: hops })
  const checks = makeChecks()
  const measured = await part(stage, checks.must)
  checks.must(!stage.served.hasEnded, 'the program has ended')
  await allIsWell(stage, checks.must)
  await stage.drain()
  const count = await stage.count()
  return { count, measured, broken: [...brokenCounts(count), ...checks.broken] }
}

/** What comes in cannot take what goes out: with every place taken, mail still goes straight through. */
async function fewFromTheStart(stage: Stage, must: Checks['must']): Promise<string> {
  await stage.start({ wrap: ['prlimit', '--nofile=256:256'] })
  const sender = stage.sender({ patienceMs: 10_000 })
  await sends(stage, sender, ['fabrikam'], must)
  // A tenant and the internet have half and four fifths of the places: together they take them all.
  const crowd = ['127.0.0.1', '127.0.0.2'].flatMap((from) =>
    Array.from({ length: 150 }, () => new Client(stage.port, from, 5000)),
  )
  const greetings = await Promise.all(crowd.map((client) => heard(client)))
  const taken = greetings.filter((line) => line.startsWith('220')).length
  const turnedAway = greetings.filter((line) => line.startsWith('421')).length
  must(taken > 50, `only ${taken} of 300 found a place`)
  must(taken + turnedAway === 300, `${300 - taken - turnedAway} of 300 heard nothing`)
  const ready = await stage.served.ask('GET', '/v1/ready')
  must(ready?.status === 503 && /421/.test(JSON.stringify(ready.body)), `full, readiness says ${JSON.stringify(ready)}`)
  await sends(stage, sender, hops.slice(1), must)
  const arrived = stage.ledger.order.length
  must(arrived === hops.length, `${arrived} of ${hops.length} messages went straight out with every place taken`)
  for (const client of crowd) client.destroy()
  return `${taken} of 300 with a place, ${turnedAway} told 421, ready 503, ${hops.length - 1} new connections to next hops`
}

/** The limit falls to what is in use: nobody can come, nothing can be connected to, and what is taken is kept. */
async function fewerMeanwhile(stage: Stage, must: Checks['must']): Promise<string> {
  const served = await stage.start()
  const sender = stage.sender({ patienceMs: 60_000 })
  await sends(stage, sender, ['fabrikam'], must)
  const line = new Agent({ keepAlive: true, maxSockets: 1 })
  stage.defer(() => line.destroy())
  must((await statusOf(stage, line)) === 200, 'readiness says no before anything has happened')
  const pid = served.pid()
  const none = lowestFree(pid)
  mustRun('prlimit', '--pid', `${pid}`, `--nofile=${none}:`)
  const crowd = Array.from({ length: 60 }, () => new Client(stage.port))
  await sleep(500)
  const status = await statusOf(stage, line)
  must(status === 503, `without descriptors readiness says ${status}`)
  await sends(stage, sender, hops.slice(1), must)
  const straight = stage.ledger.order.length - 1
  for (const client of crowd) client.destroy()
  mustRun('prlimit', '--pid', `${pid}`, `--nofile=${none + 1000}:`)
  await drain(served)
  const kept = hops.length - 1 - straight
  return `limit lowered to ${none}: ready ${status}, ${kept} of ${hops.length - 1} messages kept and delivered afterwards`
}

async function noneFromTheKernel(stage: Stage, must: Checks['must']): Promise<string> {
  const log = join(stage.dir, 'accept.log')
  await stage.start({ wrap: injecting(['accept4:error=EMFILE:when=1..50'], { log }) })
  const crowd = Array.from({ length: 60 }, () => new Client(stage.port, '127.0.0.1', 5000))
  const greeted = (await Promise.all(crowd.map((client) => heard(client)))).filter((line) =>
    line.startsWith('220'),
  ).length
  must(greeted > 0, 'nobody was taken after the last EMFILE')
  for (const client of crowd) client.destroy()
  const times = readFileSync(log, 'utf8').split('(INJECTED)').length - 1
  must(times === 50, `the kernel said EMFILE ${times} times`)
  return `EMFILE ${times} times: ${greeted} of 60 greeted`
}

/** The limit is about numbers, not about how many there are: from this one on nothing can be opened. */
function lowestFree(pid: number): number {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number))
  let free = 0
  while (taken.has(free)) free += 1
  return free
}

/** Within seconds: who has left is noticed at the next turn of the loop. */
async function allIsWell(stage: Stage, must: Checks['must']): Promise<void> {
  const from = performance.now()
  let status: number | undefined
  while (status !== 200 && performance.now() - from < 10_000) {
    await sleep(100)
    status = (await stage.served.ask('GET', '/v1/ready').catch(() => undefined))?.status
  }
  must(status === 200, `ten seconds later readiness says ${String(status)}`)
  const sender = stage.sender({ patienceMs: 10_000 })
  for (let n = 0; n < 20; n++) await sends(stage, sender, ['fabrikam'], must)
}

async function sends(stage: Stage, sender: Sender, names: readonly string[], must: Checks['must']): Promise<void> {
  for (const name of names) {
    const letter = stage.ledger.write({ from: 'a@contoso.example', to: [`r@${name}.example`] })
    const { reply } = await sender.send(letter)
    must(reply.startsWith('250'), `mail for ${name} was told ${JSON.stringify(reply)}`)
  }
}

/** The first line; '' when there is none within some seconds. */
const heard = (client: Client): Promise<string> =>
  Promise.race([client.reply('greeting').catch(() => ''), sleep(5000, '', { ref: false })])

/** Over a connection that is there already: a new one would find nobody. */
function statusOf({ served }: Stage, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = get(`${served.url}/v1/ready`, { agent }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode))
    })
    asked.once('error', reject)
  })
}
