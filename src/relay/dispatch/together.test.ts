import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueStage, setStage, until } from '../../../test/support/queue-stage.ts'
import { projectOf } from '../../../test/support/relay-values.ts'

const hour = 60 * 60_000
const seven = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
// No pause ends before the clock of the queue is moved, however slow the machine is.
const times = { firstPauseMs: hour, longestPauseMs: hour, overdueMs: 20 }

/** Each recipient outside is in a lane of its own, and the DNS is dead. `held` stand on hold. */
function useDirect(s: QueueStage, held = 'open'): void {
  const one = `{ host: 127.0.0.1, port: ${s.relay.sinkPort}, tls: none }`
  const two = `{ host: 127.0.0.1, port: ${s.two.port}, tls: none }`
  s.relay.use(
    projectOf(`
name: stage
gateway: { hostname: gw.example.net }
tenants:
  - { name: one, kind: smtp, domains: [one.example], from: { addresses: [127.0.0.1] }, to: ${one}, outbound: direct }
  - { name: two, kind: smtp, domains: [two.example], from: { addresses: [127.0.0.99] }, to: ${two} }
directory:
  - { internal: john@one.example, external: john@shared.example }
  - { internal: mary@two.example, external: mary@shared.example }
  - { internal: mike@two.example, external: mike@other.example }
domains: [{ name: shared.example, mode: open }, { name: other.example, mode: ${held} }]
policy: { dmarc: ignore }
`),
  )
}

const reports = (s: QueueStage, action: string) =>
  s.relay.arrived.map((m) => m.raw.toString()).filter((text) => text.includes(`Action: ${action}\r\n`))
const inOrder = (all: readonly (string | undefined)[]) => all.map(String).toSorted((a, b) => a.localeCompare(b))
const named = (report = '') => [...report.matchAll(/\r\nFinal-Recipient: rfc822;\s*(\S+)/g)].map(([, to]) => to)
const settled = (s: QueueStage) => until('nothing running', async () => (await s.relay.queue.totals()).running === 0)

test('eight next hops are dead: one warning and one report name all eight, each with what happened to it', async () => {
  await using s = await setStage({ times })
  useDirect(s)
  s.script((line) => (line === '' ? '421 4.3.2 closed' : undefined))
  const to = ['mary@shared.example', ...seven.map((name) => `x@${name}.dead.example`)]
  const sent = await s.fromOne(to)
  assert.equal(sent.code, 250)
  await settled(s)
  const said = s
    .story(sent)
    .flatMap((e) => (e.kind === 'DEFER' ? [`${e.recipients?.join()} ${e.reply?.slice(0, 10)}`] : []))
  assert.ok(said.includes('mary@two.example 421 4.3.2 '), said.join())
  assert.ok(said.includes('x@a.dead.example (451 4.4.3'), 'what nobody there has said is in brackets')
  s.relay.pass(5 * hour)
  await until('a warning', () => reports(s, 'delayed').length > 0)
  await until('all warned', async () => (await s.kept()).every(({ isWarned }) => isWarned === true))
  s.relay.pass(hour)
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.deepEqual(
    reports(s, 'delayed').map((one) => inOrder(named(one))),
    [to],
  )
  s.relay.pass(43 * hour)
  await until('an empty queue', async () => (await s.states()).length === 0)
  assert.deepEqual(
    reports(s, 'failed').map((one) => inOrder(named(one))),
    [to],
  )
  assert.equal(reports(s, 'delayed').length, 1)
  const [text = ''] = reports(s, 'failed')
  const words = [...text.matchAll(/\r\nFinal-Recipient: rfc822;(\S+)\r\n[\s\S]*?\r\nDiagnostic-Code: (\S+; \d+ \S+)/g)]
  assert.deepEqual(
    inOrder(words.map(([, who, what]) => `${who} ${what}`)),
    to.map((who) => (who.startsWith('mary') ? `${who} smtp; 421 4.3.2` : `${who} x-causeway; 451 4.4.3`)),
  )
  assert.equal(await s.relay.queue.check(), undefined)
  assert.equal((await s.relay.account()).wrong, 0)
})

test('two are dead, one is being tried and one is held: the report names the two, nobody touches the others', async () => {
  await using s = await setStage({ times })
  useDirect(s, 'hold')
  s.script((line) => (line.startsWith('RCPT') ? '450 4.2.1 busy' : undefined))
  const dead = ['x@a.dead.example', 'x@b.dead.example']
  assert.equal((await s.fromOne([...dead, 'mary@shared.example', 'mike@other.example'])).code, 250)
  await settled(s)
  let [dots, end] = [0, () => {}]
  s.script((line, talk) => {
    if (line !== '.') return undefined
    dots += 1
    end = () => talk.say('250 2.0.0 at last')
    return 'silence'
  })
  s.relay.pass(49 * hour)
  // Mary's may take minutes: the others do not wait for it for more than two.
  await until('Mary’s attempt', () => dots === 1)
  await until('two waiting', async () => (await s.relay.queue.totals()).waiting === 2)
  s.relay.pass(3 * 60_000)
  await until('a report', () => reports(s, 'failed').length > 0)
  await until('the two gone', async () => (await s.kept()).length === 2)
  assert.deepEqual(
    reports(s, 'failed').map((one) => inOrder(named(one))),
    [dead],
  )
  assert.deepEqual(await s.states(), ['mary@shared.example running', 'mike@other.example held domain'])
  end()
  await until('Mary’s', async () => (await s.kept()).length === 1)
  assert.equal(reports(s, 'failed').length, 1)
  assert.equal(await s.relay.queue.check(), undefined)
  assert.equal((await s.relay.account()).wrong, 0)
})
