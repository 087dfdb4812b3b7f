import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerOptions, startPeer, type Talk } from '../../../test/support/scripted-smtp.ts'
import { attempt, deliverer, hopTo, kinds } from './for-tests.ts'

async function probing(o: PeerOptions, to: readonly string[], deadline?: AbortSignal) {
  const peer = await startPeer(o)
  const d = deliverer()
  const answers = await d.probe(hopTo(peer.port), 's@gw.example', to, deadline)
  return {
    peer,
    d,
    kinds: answers.map((a) => a.kind),
    answers,
    async [Symbol.asyncDispose]() {
      await d.close()
      await peer.close()
    },
  }
}

/** Says yes to `yes@`, no to `no@`, later to anybody else. */
const picky = (line: string, talk: Talk): boolean => {
  const who = /^RCPT TO:<(\w+)@/.exec(line)?.[1]
  if (who === undefined) return false
  talk.say({ yes: '250 2.1.5 ok', no: '550 5.1.10 not found' }[who] ?? '451 4.2.1 busy')
  return true
}

for (const extensions of [['PIPELINING'], []]) {
  test(`one answer for each, nothing sent, taken back (${extensions.join() || 'no pipelining'})`, async () => {
    const to = ['no@p.example', 'yes@p.example', 'who@p.example']
    await using t = await probing({ extensions, on: picky }, to)
    assert.deepEqual(t.kinds, ['refused', 'accepted', 'unknown'])
    assert.match(t.answers[0]?.why ?? '', /5\.1\.10.*check the directory/)
    assert.equal(t.peer.lines.at(-1), '0 RSET')
    assert.ok(!t.peer.lines.some((line) => line.includes('DATA')))
    assert.equal(t.peer.messages.length, 0)
  })
}

test('the connection is good for messages afterwards', async () => {
  await using t = await probing({}, ['yes@p.example'])
  assert.deepEqual(kinds(await t.d.attempt(attempt(hopTo(t.peer.port)))), ['delivered'])
  assert.equal(t.peer.connections.count, 1)
  assert.equal(t.peer.lines.filter((line) => line.endsWith('RSET')).length, 1)
})

test('a sender that is refused says it of everybody', async () => {
  const on = (line: string, talk: Talk) => line.startsWith('MAIL') && (talk.say('550 5.7.64 no'), true)
  await using t = await probing({ extensions: [], on }, ['a@p.example', 'b@p.example'])
  assert.deepEqual(t.kinds, ['refused', 'refused'])
})

test('nobody there, or no answer before the deadline: unknown', async () => {
  await using d = deliverer()
  const [nobody] = await d.probe(hopTo(1), 's@gw.example', ['a@p.example'])
  assert.equal(nobody?.kind, 'unknown')
  await using t = await probing({ on: () => true }, ['a@p.example'], AbortSignal.timeout(50))
  assert.deepEqual(t.kinds, ['unknown'])
  const onRcpt = (line: string): boolean => line.startsWith('RCPT')
  await using later = await probing({ on: onRcpt }, ['a@p.example'], AbortSignal.timeout(150))
  assert.deepEqual(
    later.answers.map(({ kind, unreached, why }) => [kind, unreached, why]),
    [['unknown', true, 'it fell silent or hung up']],
  )
})

test('a connection that died of its rest is not the answer', async () => {
  let quiet = false
  const on = (line: string, talk: Talk) =>
    quiet && talk.connection === 0 && line.startsWith('MAIL') && (talk.hangUp(), true)
  await using t = await probing({ extensions: [], on }, ['yes@p.example'])
  quiet = true
  assert.deepEqual((await t.d.probe(hopTo(t.peer.port), 's@gw.example', ['yes@p.example']))[0]?.kind, 'accepted')
  assert.equal(t.peer.connections.count, 2)
})
