/** The real program is told to stop, and is started again on what it left: whoever waits is answered, and nobody's mail is lost or doubled. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { layProject } from './support/commands.ts'
import { type Gateway, startGateway } from './support/gateway.ts'
import { until } from './support/program.ts'
import { type Peer, startPeer, type Talk } from './support/scripted-smtp.ts'
import { Client } from './support/smtp-client.ts'

/** What main.ts grants to all that is in hand. */
const drainMs = 25_000

let dir: string
let hop: Peer
let gateway: Gateway
/** How the next hop answers; true: it has, or will. */
let script: ((line: string, talk: Talk) => boolean) | undefined

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'causeway-shutdown-'))
  hop = await startPeer({ on: (line, talk) => script?.(line, talk) ?? false })
  layProject(dir, hop.port)
  gateway = await start()
})
after(async () => {
  await gateway.stop()
  await hop.close()
  rmSync(dir, { recursive: true, force: true })
})
/** With the same project file each time. */
const start = (): Promise<Gateway> => startGateway({ data: join(dir, 'data'), project: join(dir, 'project.yaml') })

/** A message of tenant1 up to its final dot; its answer when there is one. */
async function send(to: string, name: string): Promise<string> {
  const client = new Client(gateway.smtp[0]?.port ?? 0, '127.0.0.1', 2 * drainMs)
  await client.reply('greeting')
  for (const line of ['EHLO client.example', 'MAIL FROM:<john@tenant1.example>', `RCPT TO:<${to}>`, 'DATA'])
    await client.ask(line)
  const header = `X-Key: only-tenant1-knows\r\nFrom: john@tenant1.example\r\nMessage-ID: <${name}@tenant1.example>\r\n`
  client.send(Buffer.from(`${header}Subject: ${name}\r\n\r\nHello.\r\n.\r\n`))
  const answer = await client.reply(name)
  client.destroy()
  return answer
}

const run = async (...args: readonly string[]): Promise<string> => {
  const { code, out, err } = await gateway.run(...args)
  assert.equal(code, 0, `${args.join(' ')}\n${out}${err}`)
  return out
}
const totals = async () => JSON.parse(await run('queue', '--json'))
const arrived = (name: string): number => hop.messages.filter((m) => m.includes(`Subject: ${name}\r\n`)).length
const untilEmpty = () => until('an empty queue', async () => (await totals()).messages === 0 || undefined)

test('SIGTERM with a slow next hop in hand: each sender is told 250 within the drain, and each message arrives once', async () => {
  const hands = new Map<number, Talk>()
  let isStuck = false
  script = (line, talk) => {
    // Mary's host says nothing to RCPT; the other takes the whole message and thinks about it.
    if (line.startsWith('RCPT TO:<mary@')) return (isStuck = true)
    if (line.startsWith('RCPT TO:<hand@')) hands.set(talk.connection, talk)
    return line === '.' && hands.has(talk.connection)
  }
  const stuck = send('mary@shared.example', 'stuck')
  const slow = send('hand@tenant2.example', 'slow')
  await until('both in hand', () => (isStuck && arrived('slow') === 1) || undefined)
  const told = performance.now()
  const exit = gateway.stop()
  const answers = await Promise.all([stuck, slow])
  assert.deepEqual(
    answers.map((line) => line.slice(0, 3)),
    ['250', '250'],
    answers.join('\n'),
  )
  const answeredMs = performance.now() - told
  assert.ok(answeredMs < drainMs, `answered after ${answeredMs} ms`)
  // The late yes of who has the whole message closes what was kept of it.
  for (const talk of hands.values()) talk.say('250 2.0.0 taken after all')
  assert.equal(await exit, 0, gateway.log())
  assert.ok(performance.now() - told < drainMs + 5000)
  assert.match(gateway.log(), /"msg":"stopped"/)

  script = undefined
  gateway = await start()
  await run('queue', 'retry', '--all', '--yes')
  await untilEmpty()
  const { totals: counts, addsUp } = await totals()
  assert.deepEqual([arrived('stuck'), arrived('slow'), addsUp], [1, 1, true])
  assert.deepEqual([counts.taken, counts.delivered, counts.returned, counts.dropped], [2, 2, 0, 0])
})

test('holds, modes and orders stay over a restart with the same file; a hold that begins anew ends the order', async () => {
  await run('domain', 'hold', 'shared.example')
  await run('domain', 'open', 'waiting.example')
  assert.match(await send('mary@shared.example', 'held'), /^250 /)
  script = (line, talk) => {
    if (!line.startsWith('RCPT')) return false
    talk.say('550 5.4.1 not here yet')
    return true
  }
  await run('domain', 'release', 'shared.example', '--when-accepted', '--rate', '77')
  assert.equal(await gateway.stop(), 0)
  gateway = await start()
  const status = await run('domain', 'release', 'shared.example', '--status')
  assert.match(
    status,
    /^shared\.example: mode hold, 1 recipient held\nrelease since .*, 77 a minute, each once the target accepts it$/m,
  )
  const exported = await run('export')
  assert.match(exported, /name: shared\.example\n(?: .*\n)*? {4}mode: hold\n/)
  assert.doesNotMatch(exported, /mode: retry-later/, 'what was opened stays open, whatever the file says')

  await run('domain', 'open', 'shared.example')
  assert.match(await run('domain', 'hold', 'shared.example'), /in mode hold; the release that was going on has ended$/m)
  script = undefined
  assert.equal(await gateway.stop(), 0)
  gateway = await start()
  const ended = await run('domain', 'release', 'shared.example', '--status')
  assert.match(
    ended,
    /^shared\.example: mode hold, 1 recipient held\nno release is going on\nthe last release since .*, 77 a minute, /m,
  )
  assert.equal(arrived('held'), 0)
  await run('domain', 'release', 'shared.example')
  await untilEmpty()
  assert.equal(arrived('held'), 1)
})

test('SIGTERM with clients that do nothing: none of them is waited for', async () => {
  const idle = new Client(gateway.smtp[0]?.port ?? 0)
  assert.match(await idle.reply(), /^220 /)
  const url = new URL(readFileSync(join(dir, 'data', 'api.url'), 'utf8').trim())
  const asking = connect(Number(url.port), url.hostname)
  // Its request has begun, and does not go on.
  asking.on('error', () => {}).write('GET /health HTTP/1.1\r\nHost: localhost\r\n')
  await once(asking, 'connect')
  const told = performance.now()
  const exit = gateway.stop()
  assert.match(await idle.reply(), /^421 4\.3\.2 /)
  assert.equal(await exit, 0)
  const tookMs = performance.now() - told
  idle.destroy()
  asking.destroy()
  assert.ok(tookMs < drainMs / 2, `ended after ${tookMs} ms`)
  gateway = await start()
})
