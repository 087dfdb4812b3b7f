/** What F21 plays inside of its network: NEAR FAR NETWORK MEGABYTES. Prints the finding. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { percentile } from '../../bench/figures.ts'
import { brokenCounts, type Finding, makeChecks } from './fault.ts'
import type { Sender } from './sender.ts'
import { type Stage, setStage } from './stage.ts'

const [near = '', far = '', network = '', size = '1'] = process.argv.slice(2)
/** Of the network behind the wire: nobody else is there. */
const farPort = 2525
const maxP95 = 500

/** The hop itself stays here, where the books are; at the other end of the wire everything is passed on to it. */
async function startFarEnd(stage: Stage): Promise<void> {
  const script = `require('net').createServer((a) => {
    const b = require('net').connect(${stage.hop('far').port}, '${near}')
    a.on('error', () => b.destroy()).pipe(b)
    b.on('error', () => a.destroy()).pipe(a)
  }).listen(${farPort}, '${far}', () => console.log('listening'))`
  const words = ['setpriv', '--pdeathsig', 'KILL', process.execPath, '--eval', script]
  const relay = spawn('ip', ['netns', 'exec', network, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  stage.defer(() => relay.kill('SIGKILL'))
  await once(relay.stdout, 'data')
}

async function play(): Promise<Finding> {
  await using stage = await setStage({
    tenants: ['fabrikam', 'far'],
    hopHost: '0.0.0.0',
    places: { far: { host: far, port: farPort } },
  })
  const checks = makeChecks()
  await startFarEnd(stage)
  await stage.start()
  const sender: Sender = stage.sender({ patienceMs: 600_000 })
  const large = stage.ledger.write({
    from: 'a@contoso.example',
    to: ['large@far.example'],
    bytes: Number(size) * 1024 * 1024,
  })
  const sending = sender.send(large)
  const tookMs: number[] = []
  const others = stage.sender()
  for (let isThere = false; !isThere && tookMs.length < 5000; ) {
    const told = await others.send(stage.ledger.write({ from: 'a@contoso.example', to: ['well@fabrikam.example'] }))
    tookMs.push(told.tookMs)
    isThere = await Promise.race([sending.then(() => true), new Promise<false>((go) => setTimeout(go, 20, false))])
  }
  const told = await sending
  checks.must(/^(?:250|451)/.test(told.reply), `the large one was told ${JSON.stringify(told.reply)}`)
  const p95 = percentile(tookMs, 0.95)
  checks.must(p95 < maxP95, `p95 of the others was ${p95.toFixed(0)} ms`)
  await stage.drain({ withinMs: 300_000 })
  const count = await stage.count()
  return {
    count,
    did: `${size} MB`,
    measured: `answered after ${(told.tookMs / 1000).toFixed(1)} s, p95 of the others ${p95.toFixed(1)} ms`,
    broken: [...brokenCounts(count), ...checks.broken],
  }
}

console.log(JSON.stringify(await play()))
