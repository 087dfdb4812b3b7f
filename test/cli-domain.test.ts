/** What an operator is told, asked and refused where a slip of the hand would cost mail. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import type { DeskStage } from './support/desk.ts'
import { setTerminal, type Terminal } from './support/typed.ts'

let terminal: Terminal
let stage: DeskStage

beforeEach(async () => {
  await terminal?.[Symbol.asyncDispose]()
  terminal = await setTerminal()
  stage = terminal.stage
})
after(() => terminal[Symbol.asyncDispose]())
const type = (command: string, ...answers: readonly string[]) => terminal.type(command, ...answers)
const held = () => stage.put({ to: [{ address: 'x@shared.example', state: 'held', cause: 'domain' }] })
const orders = async () => (await stage.queue.releaseOrders()).map(({ domain, whenAccepted }) => [domain, whenAccepted])
const lastRecord = () => stage.desk.audit.find({ limit: 1 })[0]

describe('a hold begins', () => {
  test('by command: the release that stood ends, and both say so', async () => {
    await held()
    await type('domain release shared.example')
    const { out } = await type('domain hold shared.example')
    assert.equal(out, 'shared.example is in mode hold; the release that was going on has ended\n')
    assert.deepEqual(await orders(), [])
    assert.match(
      lastRecord()?.after ?? '',
      /^hold; its release ended: released 0, by the order of api \(\w+\) of 2026-/,
    )
  })

  test('an order given while it lasts is left alone when it is said again', async () => {
    await type('domain hold shared.example')
    await type('domain release shared.example --when-accepted')
    const { out } = await type('domain hold shared.example')
    assert.match(out, /is in mode hold; a release is going on: causeway domain release shared\.example --status$/m)
    assert.deepEqual(await orders(), [['shared.example', true]])
  })

  test('by a file: the same', async () => {
    await type('domain release shared.example')
    const file = join(stage.dir, 'project.yaml')
    const text = readFileSync(file, 'utf8').replace('- name: shared.example', '- name: shared.example\n    mode: hold')
    writeFileSync(file, text)
    assert.equal((await type(`apply ${file} --yes`)).code, 0)
    assert.deepEqual(await orders(), [])
    assert.match(lastRecord()?.after ?? '', /mode: open -> hold\nthe release of shared\.example ended: released 0, /)
  })
})

describe('a release that asks the target first', () => {
  beforeEach(async () => {
    await held()
    await type('domain hold shared.example')
    await type('domain release shared.example --when-accepted')
  })

  test('no advice replaces it', async () => {
    for (const mode of ['open', 'retry-later']) {
      const { out } = await type(`domain ${mode} shared.example`)
      assert.match(out, /1 recipient still held; a release is going on: \S+ domain release shared\.example --status$/m)
    }
    assert.match(
      (await type('queue show m1')).out,
      /advice +it is being let go: causeway domain release shared\.example --status$/m,
    )
  })

  test('is replaced by one that does not only when that is confirmed', async () => {
    const silent = await type('domain release shared.example')
    assert.deepEqual([silent.code, await orders()], [2, [['shared.example', true]]])
    const no = await type('domain release shared.example', 'y')
    assert.deepEqual([no.code, no.asked.length, await orders()], [1, 1, [['shared.example', true]]])
    const path = '/v1/domains/shared.example/release'
    assert.equal((await stage.ask('POST', path, {})).status, 409)
    assert.equal((await type('domain release shared.example --when-accepted --rate 9')).code, 0, 'this asks, too')
    assert.equal((await type('domain release shared.example --yes')).code, 0)
    assert.deepEqual(await orders(), [['shared.example', false]])
    assert.equal((await stage.ask('POST', path, { replace: true })).status, 200)
  })

  test('--stop, --status and a new order are three things', async () => {
    for (const more of ['--stop --status', '--stop --when-accepted', '--status --rate 5'])
      assert.equal((await type(`domain release shared.example ${more}`)).code, 2, more)
    assert.deepEqual(await orders(), [['shared.example', true]])
  })
})

test('what an order came to stands in the audit and in the status, until the next one has ended', async () => {
  const id = await held()
  await type('domain release shared.example --when-accepted')
  const noes = [{ kind: 'refused', words: '550 5.4.1 no' }] as const
  const recipients = [{ id, n: 0 }]
  await stage.queue.letGo('shared.example', { recipients, asked: 3, notAccepted: 1, noes })
  stage.pass(60_000)
  assert.doesNotMatch((await type('domain release shared.example --status')).out, /the last/)
  await type('domain release shared.example --stop')
  assert.match(lastRecord()?.after ?? '', /^ended: released 1, asked 3, of these not accepted 1, by the order of api/)
  const { out } = await type('domain release shared.example --status')
  assert.match(
    out,
    /^no release is going on\nthe last release since .* by api .*, each once the target accepts it, ended \S+ \S+$/m,
  )
  assert.match(out, /^released 1; asked 3, of these not accepted 1\n {2}refused for good 1, last: 550 5\.4\.1 no$/m)
  const { last } = JSON.parse((await type('domain release shared.example --status --json')).out)
  assert.deepEqual([last.released, Date.parse(last.ended) - Date.parse(last.since)], [1, 60_000])
})

test('attempts --done: those who have not come back are seen to, by whom the audit knows, and no warning speaks of them', async () => {
  const at = stage.queue.now()
  const someone = { domain: 'shared.example', at, address: '192.0.2.9', helo: 'mx.partner.example', tls: '' }
  for (const name of ['a', 'b', 'c'])
    await stage.queue.attempted({ ...someone, sender: `${name}@partner.example`, recipient: 'x@shared.example' })
  stage.queue.cameBack('c@partner.example', 'x@shared.example', at)
  stage.pass(7 * 24 * 3_600_000)
  const first = await type('domain attempts shared.example')
  assert.match(first.out, /3 = came back 1 \+ waiting 0 \+ possibly lost 2$/m)
  assert.deepEqual([first.code, /WARNING/.test(first.out)], [1, true])
  const done = await type('domain attempts shared.example --done')
  assert.deepEqual([done.code, done.out], [0, 'shared.example: 2 pairs settled\n'])
  const record = lastRecord()
  assert.deepEqual([record?.what, record?.object], ['domain.attempts.done', 'shared.example'])
  const then = await type('domain attempts shared.example')
  assert.match(then.out, /3 = came back 1 \+ waiting 0 \+ possibly lost 0 \+ settled 2$/m)
  assert.deepEqual([then.code, /WARNING/.test(then.out)], [0, false])
  assert.equal(
    (await type('domain attempts shared.example --done --json')).out,
    '{"domain":"shared.example","settled":0}\n',
  )
})

test('attempts on a name that nobody knows: a no, in each of its forms', async () => {
  for (const more of ['', ' --csv -', ' --done', ' --json']) {
    const { code, out, err } = await type(`domain attempts shared.exmaple${more}`)
    assert.deepEqual([code, out], [1, ''], more)
    assert.match(err, /shared\.exmaple.*the project serves shared\.example/)
  }
  assert.equal((await type('domain attempts shared.example')).code, 0, 'nobody was asked, but it is ours')
  const attempt = { address: '192.0.2.1', helo: 'x', tls: '', sender: 'a@a.example', recipient: 'b@gone.example' }
  await stage.queue.attempted({ ...attempt, domain: 'gone.example', at: stage.queue.now() })
  assert.equal((await type('domain attempts gone.example')).code, 0, 'it was ours once')
})

test('a next hop for which all is held is in no trouble', async () => {
  await stage.put({ to: [{ lane: 'tenant:tenant2', trouble: 'temporary' }] })
  await type('queue hold --all --yes')
  const { lanes } = JSON.parse((await type('queue --json')).out)
  assert.equal(lanes[0].trouble, undefined)
  assert.match(lanes[0].advice, /^all of it is held: /)
})

test('what is wrong with an option is said of the option', async () => {
  assert.equal((await type('queue list --state hold')).err, 'causeway: --state: one of waiting, held, running\n')
  assert.match((await type('queue drop --older-than long')).err, /^causeway: --older-than: "long" is no span .* 4h/)
  const wrong = await type('queue hold --cause x --yes')
  assert.equal(wrong.code, 2)
  assert.match(wrong.err, /^causeway: --cause: one of /)
})

test('the null sender stands in the audit as it was typed', async () => {
  await stage.put({ sender: '', peer: 'internet' })
  await type('queue hold --sender <> --yes')
  assert.equal(lastRecord()?.object, 'sender=<>')
})

test('a file in which nothing differs is remembered, too', async () => {
  const file = join(stage.dir, 'exported.yaml')
  writeFileSync(file, (await type('export')).out)
  assert.deepEqual(await type(`apply ${file}`), { code: 0, out: 'nothing differs\n', err: '', asked: [] })
  assert.ok(stage.db.get('SELECT 1 FROM applied_file WHERE file = ?', file))
})

test('a disk without room is said to be one', async () => {
  stage.db.get('PRAGMA max_page_count = 1')
  let typed = await type('domain hold shared.example')
  for (let i = 0; i < 50 && typed.code === 0; i += 1)
    typed = await type(`domain ${i % 2 === 0 ? 'open' : 'hold'} shared.example`)
  assert.equal(typed.code, 3)
  assert.match(typed.err, /could not store this: .*full: free space on the disk of the data folder/)
})
