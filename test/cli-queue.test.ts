/** The queue, hold, release, attempts and audit as an operator types them, on a terminal and without one. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import type { DeskStage } from './support/desk.ts'
import { setTerminal, type Terminal } from './support/typed.ts'

const hour = 3_600_000
let terminal: Terminal
let stage: DeskStage

beforeEach(async () => {
  await terminal?.[Symbol.asyncDispose]()
  terminal = await setTerminal()
  stage = terminal.stage
})
after(() => terminal[Symbol.asyncDispose]())
const type = (command: string, ...answers: readonly string[]) => terminal.type(command, ...answers)

describe('causeway queue', () => {
  test('an empty queue', async () => {
    const typed = await type('queue')
    assert.equal(typed.code, 0)
    assert.equal(
      typed.out,
      'recipients taken 0 = delivered 0 + returned 0 + dropped 0 + waiting 0 + running 0 + held 0\n' +
        'in the queue 0 messages, 0 B\ndisk 5.0 GB free\n',
    )
    const list = await type('queue list')
    assert.deepEqual([list.code, list.out, list.err], [0, '', 'nothing in the queue matches\n'])
  })

  test('totals, lanes, disk and the oldest', async () => {
    await stage.put({
      to: [{ lane: 'tenant:tenant2', trouble: 'operator', reply: '451 4.4.62 ATTR35' }, { state: 'running' }],
    })
    stage.pass(3 * hour + 5 * 60_000)
    await stage.put({ to: [{ state: 'held', cause: 'domain' }] })
    Object.assign(stage.disk, { isLow: true, why: '0.4 GB free' })
    const { code, out } = await type('queue')
    assert.equal(code, 0)
    assert.match(
      out,
      /^recipients taken 3 = delivered 0 \+ returned 0 \+ dropped 0 \+ waiting 1 \+ running 1 \+ held 1$/m,
    )
    assert.match(
      out,
      /^in the queue 2 messages, 50 B; the oldest waits since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(3h05m\), m1$/m,
    )
    assert.match(out, /^disk LOW: 0\.4 GB free$/m)
    assert.match(out, /^NEXT HOP +WAITING +RUNNING +HELD +OLDEST +TROUBLE +LAST WORDS$/m)
    assert.match(out, /^mx:partner\.example +0 +1 +1 +3h05m/m)
    assert.match(out, /^tenant:tenant2 +1 +0 +0 +3h05m/m)
    const json = JSON.parse((await type('queue --json')).out)
    assert.deepEqual([json.totals.taken, json.lanes.length, json.disk.isLow], [3, 2, true])
    assert.match(json.oldest.received, /Z$/)
  })

  test('list: a line for each recipient; filters as options', async () => {
    await stage.put({ to: [{}, { address: 'eve@partner.example', state: 'held', cause: 'operator' }] })
    await stage.put({ sender: '', peer: 'internet' })
    const all = await type('queue list')
    assert.match(all.out, /^ID +AGE +SENDER +RECIPIENT +STATE +TRIES +NEXT +LAST WORDS$/m)
    assert.match(all.out, /^m1 +0s +<ann@tenant1\.example> +<eve@partner\.example> +held \(operator\) +1 +- /m)
    assert.match(all.out, /^m2 +0s +<> +<bob@partner\.example> +waiting/m)
    const some = await type('queue list --state held --domain partner.example --sender ann@tenant1.example --json')
    const { items } = JSON.parse(some.out)
    assert.deepEqual([items.length, items[0].recipients.length], [1, 1])
    assert.match((await type('queue list --limit 1')).err, /there is more: --after \S+/)
    assert.equal((await type('queue list --state gone')).code, 2)
    assert.equal((await type('queue lst')).code, 2)
  })

  test('list: a filter that fits little of much finds all of it, and there is no more', async () => {
    const crowd = Array.from({ length: 2000 }, (_, i) => ({ address: `${i}@partner.example` }))
    await stage.put({ to: [{ address: 'eve@partner.example' }] })
    for (let i = 0; i < 11; i += 1) await stage.put({ to: crowd })
    await stage.put({ to: [{ address: 'eve@partner.example' }] })
    const { out, err } = await type('queue list --recipient eve@partner.example')
    assert.deepEqual([out.match(/<eve@partner\.example>/g)?.length, err], [2, ''])
    const { items, next } = JSON.parse((await type('queue list --recipient eve@partner.example --json')).out)
    assert.deepEqual([items.length, next], [2, undefined])
    assert.match((await type('queue list --recipient eve@partner.example --limit 1')).err, /there is more/)
  })

  test('list: as many as are asked for, over as many pages as it takes', async () => {
    await Promise.all(Array.from({ length: 1200 }, () => stage.put({})))
    const ids = async (limit: number) => {
      const { out, err } = await type(`queue list --limit ${limit}`)
      return [new Set(out.match(/^m\d+/gm)).size, err]
    }
    assert.deepEqual(await ids(1100), [1100, 'there is more: --after 1100\n'])
    assert.deepEqual(await ids(5000), [1200, ''])
  })

  test('show: everything, with advice', async () => {
    await stage.put({ subject: 'Invoice' })
    const { code, out } = await type('queue show m1')
    assert.equal(code, 0)
    for (const line of [
      /^m1$/m,
      /^ {2}subject {5}Invoice$/m,
      /^ {2}<bob@partner\.example>$/m,
      /^ {4}attempts {4}1/m,
      /^ {4}last words {2}451 4\.3\.0 later$/m,
      /^ {4}advice {6}it is tried again/m,
      /^ {4}advice .* from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d on it goes back/m,
    ])
      assert.match(out, line)
    const none = await type('queue show m9')
    assert.equal(none.code, 1)
    assert.match(none.err, /m9 is not in the queue: .*causeway trace --id m9/)
  })

  test('what strangers wrote is shown as text, and not too wide', async () => {
    await stage.put({
      subject: '\u001b]0;x\u0007\u202egpj',
      sender: `${'x'.repeat(60)}@a.example`,
      to: [{ reply: `550 \u001b[31m${'y'.repeat(900)}\r\nlevel:"info"` }],
    })
    for (const command of ['queue list', 'queue show m1', 'queue']) {
      const { out } = await type(command)
      assert.doesNotMatch(out.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/, command)
    }
    for (const line of (await type('queue list')).out.split('\n')) assert.ok(line.length < 220, line)
  })
})

describe('causeway queue hold, retry, release, return, drop', () => {
  test('without a filter: wrong usage, nothing asked, nothing done', async () => {
    await stage.put({})
    for (const verb of ['hold', 'retry', 'release', 'return', 'drop']) {
      const typed = await type(`queue ${verb} --yes`, 'yes')
      assert.deepEqual([typed.code, typed.asked.length], [2, 0], verb)
      assert.match(typed.err, /no filter is given/)
    }
    assert.equal((await type('queue drop --all --id m1 --yes')).code, 2)
    assert.equal(stage.queue.figures.waiting, 1)
  })

  test('where nobody can be asked: shown, and --yes is wanted', async () => {
    await stage.put({})
    const typed = await type('queue drop --id m1')
    assert.equal(typed.code, 2)
    assert.match(typed.out, /^m1 .*\n1 recipient of 1 message: DESTROYED, and nobody is told\n$/m)
    assert.match(typed.err, /nothing was done: say --yes/)
    assert.equal(stage.queue.figures.waiting, 1)
    const done = await type('queue drop --id m1 --yes')
    assert.equal(done.code, 0)
    assert.match(done.out, /1 recipient dropped\n$/)
    assert.equal(stage.queue.figures.dropped, 1)
  })

  test('of a message with very many recipients all are counted before anything is done', async () => {
    const crowd = Array.from({ length: 250 }, (_, i) => ({ address: `${i}@shared.example`, domain: 'shared.example' }))
    await stage.put({ to: crowd.map((one, i) => ({ ...one, state: i < 120 ? 'waiting' : 'held', cause: 'domain' })) })
    const list = await type('queue list')
    assert.match(list.out, /^m1 +and 150 recipients more$/m)
    assert.equal(list.out.match(/@shared\.example>/g)?.length, 100)
    assert.match((await type('domain release shared.example --status')).out, /130 recipients held/)
    const release = await type('queue release --id m1', 'no')
    assert.match(release.out, /^m1 +and 120 recipients more\n130 recipients of 1 message: tried at once/m)
    assert.deepEqual(release.asked, ['Type yes to release 130 recipients of 1 message: '])
    assert.match(
      (await type('queue drop --id m1 --yes')).out,
      /^250 recipients of 1 message: DEST.*\n250 recipients dr/m,
    )
  })

  test('on a terminal: only the whole word is a yes', async () => {
    await stage.put({})
    for (const answer of ['', 'y', 'YES', 'no', 'yess']) {
      const typed = await type('queue drop --id m1', answer)
      assert.deepEqual([typed.code, typed.asked], [1, ['Type yes to drop 1 recipient of 1 message: ']], answer)
      assert.match(typed.err, /nothing was done/)
    }
    assert.equal(stage.queue.figures.waiting, 1)
    assert.equal((await type('queue hold --id m1', 'yes')).code, 0)
    assert.equal(stage.queue.figures.held, 1)
    assert.match((await type('queue release --cause operator', 'yes')).out, /1 recipient released/)
    assert.match((await type('queue retry --domain partner.example --yes')).out, /1 recipient due now/)
    assert.match((await type('queue drop --all', 'yes')).out, /1 recipient dropped/)
  })

  test('nothing that fits: the answer is no', async () => {
    await stage.put({})
    const typed = await type('queue release --id m1 --yes')
    assert.deepEqual([typed.code, typed.err], [1, 'nothing to release\n'])
    assert.deepEqual(JSON.parse((await type('queue release --all --yes --json')).out), {
      touched: 0,
      running: 0,
      left: 0,
    })
  })

  test('--json: standard output holds the answer only', async () => {
    await stage.put({ to: [{}, { state: 'running' }] })
    const typed = await type('queue hold --all --yes --json')
    assert.deepEqual(JSON.parse(typed.out), { touched: 1, running: 1, left: 0 })
    assert.match(typed.err, /1 recipient of 1 message/)
  })

  test('a running attempt is told of', async () => {
    await stage.put({ to: [{}, { state: 'running' }] })
    assert.match(
      (await type('queue drop --all --yes')).out,
      /1 recipient left alone: an attempt goes on at this moment/,
    )
  })

  test('what came from the internet is not returned', async () => {
    await stage.put({ peer: 'internet' })
    const refused = await type('queue return --id m1 --yes')
    assert.equal(refused.code, 1)
    assert.match(refused.err, /none of it can be returned: .*never returned/)
    await stage.put({ sender: '' })
    const some = await type('queue return --all --yes')
    assert.equal(some.code, 0)
    assert.match(some.out, /1 recipient going back/)
    assert.match(some.out, /1 recipient of the null sender among them/)
    assert.match(some.out, /1 recipient left alone: what came from the internet/)
  })
})

describe('causeway domain', () => {
  const held = () => stage.put({ to: [{ address: 'x@shared.example', state: 'held', cause: 'domain' }] })

  test('hold and open: what is still held is said, with what to type', async () => {
    assert.equal((await type('domain hold shared.example')).out, 'shared.example is in mode hold\n')
    await held()
    const open = await type('domain open shared.example')
    assert.equal(
      open.out,
      'shared.example is in mode open; 1 recipient still held: causeway domain release shared.example\n',
    )
    assert.equal(JSON.parse((await type('domain open shared.example --json')).out).held, 1)
  })

  test('release: ordered, looked at, ended', async () => {
    await held()
    const before = await type('domain release shared.example --status')
    assert.match(
      before.out,
      /^shared\.example: mode open, 1 recipient held\nno release is going on\nlet it go: causeway domain release shared\.example\n$/,
    )
    const order = await type('domain release shared.example --when-accepted --rate 60')
    assert.equal(order.code, 0)
    assert.match(
      order.out,
      /^release since .* by api(?: \(\S+\))?, 60 a minute, each once the target accepts it\nreleased 0; asked 0, of these not accepted 0$/m,
    )
    assert.equal(JSON.parse((await type('domain release shared.example --status --json')).out).order.perMinute, 60)
    assert.match((await type('domain release shared.example --stop')).out, /what is still held stays held/)
    const again = await type('domain release shared.example --stop')
    assert.equal(again.code, 1)
    assert.match(again.err, /no release of shared\.example is going on/)
    for (const rate of ['fast', '0', '100001'])
      assert.match((await type(`domain release shared.example --rate ${rate}`)).err, /from 1 to 100000/)
    assert.equal((await type('domain release nobody.example')).code, 1)
  })

  test('attempts: who came back, who has time, whose mail is possibly lost', async () => {
    const attempt = {
      domain: 'waiting.example',
      address: '192.0.2.1',
      helo: '=x.example',
      tls: '',
      recipient: 'b@waiting.example',
    }
    await stage.queue.attempted({ ...attempt, at: stage.queue.now(), sender: 'a@a.example' })
    stage.pass(21 * hour)
    const waiting = await type('domain attempts waiting.example')
    assert.equal(waiting.code, 0)
    assert.match(
      waiting.out,
      /^waiting\.example: pairs of sender and recipient 1 = came back 0 \+ waiting 1 \+ possibly lost 0$/m,
    )
    assert.match(waiting.out, /^the next to give up: in 3h00m, <a@a\.example> -> <b@waiting\.example>$/m)
    assert.match(waiting.out, /^WARNING: the oldest attempt/m)
    assert.match(waiting.out, /^waiting +<a@a\.example> +<b@waiting\.example> +\d{4}-.* 1 +3h00m +=x\.example/m)
    stage.pass(4 * hour)
    const lost = await type('domain attempts waiting.example --only lost')
    assert.equal(lost.code, 2)
    assert.equal((await type('domain attempts waiting.example')).code, 1)
    const file = join(stage.dir, 'attempts.csv')
    assert.equal((await type(`domain attempts waiting.example --csv ${file}`)).code, 0)
    assert.match(readFileSync(file, 'utf8'), /^possibly lost,a@a\.example,.*,'=x\.example,\r\n$/m)
    await stage.queue.attempted({ ...attempt, at: stage.queue.now(), sender: 'jörg@a.example' })
    assert.equal((await type(`domain attempts waiting.example --csv ${file}`)).code, 0)
    assert.match(readFileSync(file, 'utf8'), /^\ufeffstatus,sender,(?:.*\r\n)+waiting,jörg@a\.example,/)
    assert.match((await type('domain attempts waiting.example --csv -')).out, /^status,sender,/)
    assert.equal((await type('domain attempts waiting.example --csv /nowhere/a.csv')).code, 3)
    assert.equal(JSON.parse((await type('domain attempts waiting.example --json')).out).summary.possiblyLost, 1)
    for (let i = 0; i < 1001; i += 1)
      await stage.queue.attempted({ ...attempt, at: stage.queue.now(), sender: `${i}@a.example` })
    const some = await type('domain attempts waiting.example --limit 1001')
    assert.equal(some.out.match(/^(?:waiting|possibly lost) +</gm)?.length, 1001)
    assert.match(some.out, /pairs of sender and recipient 1,003 = .* waiting 1,002 \+ possibly lost 1$/m)
    assert.match(some.err, /^there are more: --limit/)
    assert.equal((await type('domain attempts waiting.example --limit 1003')).err, '')
  })
})

test('causeway audit: who did what, and whether it is all there', async () => {
  await stage.put({})
  await type('queue hold --all --yes')
  await type('domain hold shared.example')
  const { code, out } = await type('audit')
  assert.equal(code, 0)
  assert.match(out, /^# +WHEN +WHO +FROM +WHAT +TO WHAT +BEFORE +AFTER$/m)
  assert.match(out, /^2 +\d{4}-\d\d-\d\d [\d:]{8} +api.* 127\.0\.0\.1 +domain\.mode +shared\.example +open +hold$/m)
  assert.match(out, /^1 .* queue\.hold +everything +- +1 recipient$/m)
  const { records } = JSON.parse((await type('audit --since 1h --json')).out)
  assert.match(records[0].at, /^2026-11-23T08:00:00\.000Z$/)
  assert.match(
    (await type('audit --verify')).out,
    /^2 records, each as it was written; the hash of the newest is [0-9a-f]{64}/,
  )
  stage.db.run('DROP TRIGGER audit_is_not_erased')
  stage.db.run('DELETE FROM audit WHERE id = 1')
  const broken = await type('audit --verify')
  assert.equal(broken.code, 1)
  assert.match(broken.out, /THE AUDIT WAS CHANGED: record 1 is missing/)
  assert.equal((await type('audit --since then')).code, 2)
})
