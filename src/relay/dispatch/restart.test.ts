import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setStage, until } from '../../../test/support/queue-stage.ts'

const dirs: string[] = []
const newDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'restart-'))
  dirs.push(dir)
  return dir
}
after(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true })
})
const minute = 60_000

test('what was under way at the deadline and at the end is due at the next start, and says that it may be there', async () => {
  const dir = newDir()
  {
    await using s = await setStage({ dir, deadlineMs: 100 })
    s.script((line) => (line === '.' ? 'silence' : undefined))
    assert.equal((await s.fromOne(['mary@shared.example'])).code, 250)
    assert.deepEqual(await s.states(), ['mary@shared.example running'])
  }
  await using s = await setStage({ dir })
  await until('an empty queue', async () => (await s.states()).length === 0)
  assert.equal(s.two.messages.length, 1)
  const made = await s.relay.account()
  assert.deepEqual([made.accepted, made.delivered, made.wrong], [1, 1, 0])
})

test('an attempt out of the queue that cannot end in time is broken off, and nothing is lost', async () => {
  const dir = newDir()
  {
    await using s = await setStage({ dir })
    s.script((line) => (line.startsWith('RCPT') ? '450 4.2.1 busy' : undefined))
    await s.fromOne(['mary@shared.example'])
    await until('waiting', async () => (await s.states()).join() === 'mary@shared.example waiting')
    s.script((line) => (line.startsWith('MAIL') ? 'silence' : undefined))
    s.relay.pass(2 * minute)
    await until('an attempt', async () => (await s.states()).join() === 'mary@shared.example running')
  }
  await using s = await setStage({ dir })
  s.relay.pass(20 * minute)
  await until('an empty queue', async () => (await s.states()).length === 0)
  assert.equal(s.two.messages.length, 1)
})

test('held mail and a release order survive a restart', async () => {
  const dir = newDir()
  {
    await using s = await setStage({ dir })
    s.use({ mode: 'hold' })
    for (let i = 0; i < 3; i += 1) await s.fromNet(['mary@shared.example'])
    await s.relay.queue.orderRelease({ domain: 'shared.example', whenAccepted: false, perMinute: 60, by: 'ann' })
    await until('the first', () => s.two.messages.length === 1)
  }
  await using s = await setStage({ dir })
  s.use({ mode: 'hold' })
  for (let n = 1; n <= 2; n += 1) {
    s.relay.pass(1000)
    await until(`number ${n}`, () => s.two.messages.length >= n)
  }
  assert.equal((await s.relay.account()).wrong, 0)
})

test('a disk that does not take the result: nobody is attempted again, and it is written down when there is room', async () => {
  await using s = await setStage()
  s.script((line) => (line.startsWith('RCPT') ? '450 4.2.1 busy' : undefined))
  await s.fromOne(['mary@shared.example'])
  await until('waiting', async () => (await s.states()).join() === 'mary@shared.example waiting')
  s.script(undefined)
  s.relay.disk.failFinish = 2
  s.relay.pass(2 * minute)
  await until('trouble', () => s.relay.troubles.filter((why) => why.includes('kept in memory')).length === 2)
  await until('an empty queue', async () => (await s.states()).length === 0)
  assert.equal(s.two.messages.filter((m) => m.length > 0).length, 1)
  assert.equal((await s.relay.account()).wrong, 0)
})

test('a disk that is low, and a queue at its mark: 452 at MAIL', async () => {
  await using s = await setStage({ maxMessages: 10 })
  s.relay.disk.isLow = true
  assert.match((await s.fromOne(['mary@shared.example'])).text, /^4\.3\.1 not enough disk space/)
  s.relay.disk.isLow = false
  s.use({ mode: 'hold' })
  for (let i = 0; i < 10; i += 1) assert.equal((await s.fromNet(['mary@shared.example'])).code, 250)
  assert.match((await s.fromNet(['mary@shared.example'])).text, /^4\.3\.1 too much mail is waiting/)
  await s.relay.queue.drop({ ids: [(await s.relay.queue.list({}, { limit: 1 })).items[0]?.message.id ?? ''] }, 'ann')
  assert.equal((await s.fromNet(['mary@shared.example'])).code, 452, 'it does not say yes and no in turns')
  await s.relay.queue.drop({ ids: [(await s.relay.queue.list({}, { limit: 1 })).items[0]?.message.id ?? ''] }, 'ann')
  assert.equal((await s.fromNet(['mary@shared.example'])).code, 250)
  const made = await s.relay.account()
  assert.deepEqual([made.dropped, made.held, made.wrong], [2, 9, 0])
})
