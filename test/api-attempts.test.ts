/** Who was asked to come back later, who did, and when it becomes a warning. */
import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { type DeskStage, setDesk } from './support/desk.ts'

const hour = 3_600_000
const domain = 'waiting.example'
const online = 'EUR05-DB8-obe.outbound.protection.outlook.com'
let stage: DeskStage
beforeEach(async () => {
  await stage?.[Symbol.asyncDispose]()
  stage = await setDesk()
})
after(() => stage[Symbol.asyncDispose]())

function attempted(sender: string, helo = online, address = '192.0.2.1'): Promise<void> {
  const recipient = `ann@${domain}`
  return stage.queue.attempted({ domain, at: stage.queue.now(), address, helo, tls: 'TLSv1.3', sender, recipient })
}
const attempts = async (query = '') => (await stage.ask('GET', `/v1/domains/${domain}/attempts${query}`)).json
type Row = {
  readonly sender: string
  readonly status: string
  readonly secondsLeft?: number
  readonly attempts: number
}
const statusOf = async (): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries((await attempts()).items.map((row: Row) => [row.sender, row.status]))

test('waiting, came back, possibly lost: each with what is known', async () => {
  await attempted('back@a.example')
  await attempted('late@a.example', 'mail.firm.local')
  await attempted('lost@a.example')
  stage.pass(2 * hour)
  await attempted('late@a.example', 'mail.firm.local', '192.0.2.7')
  assert.deepEqual(await statusOf(), {
    'back@a.example': 'waiting',
    'late@a.example': 'waiting',
    'lost@a.example': 'waiting',
  })
  stage.queue.cameBack('back@a.example', `ann@${domain}`, stage.queue.now())
  await stage.queue.totals()
  stage.pass(23 * hour)
  const { summary, items } = await attempts()
  assert.deepEqual(await statusOf(), {
    'back@a.example': 'came back',
    'late@a.example': 'waiting',
    'lost@a.example': 'possibly lost',
  })
  const late = items.find((row: Row) => row.sender === 'late@a.example')
  assert.deepEqual(late, {
    sender: 'late@a.example',
    recipient: `ann@${domain}`,
    status: 'waiting',
    firstAttempt: '2026-11-23T08:00:00.000Z',
    lastAttempt: '2026-11-23T10:00:00.000Z',
    attempts: 2,
    firstAddress: '192.0.2.1',
    lastAddress: '192.0.2.7',
    helo: 'mail.firm.local',
    tls: 'TLSv1.3',
    senderClass: 'exchange-server',
    givesUp: '2026-11-25T08:00:00.000Z',
    secondsLeft: 23 * 3600,
    why: 'named like an Exchange Server, which gives up after two days',
  })
  assert.deepEqual([summary.pairs, summary.cameBack, summary.waiting, summary.possiblyLost], [3, 1, 1, 1])
  assert.deepEqual([summary.oldest.ageSeconds, summary.next.sender], [25 * 3600, 'late@a.example'])
})

test('a warning from 20 hours on, and another one when time is up', async () => {
  const health = async () => (await stage.ask('GET', '/v1/health')).json.warnings
  assert.equal((await attempts()).summary.warning, undefined)
  await attempted('a@a.example')
  stage.pass(20 * hour - 60_000)
  assert.equal((await attempts()).summary.warning, undefined)
  assert.deepEqual(await health(), [])
  stage.pass(60_000)
  assert.match((await attempts()).summary.warning, /oldest attempt on waiting\.example.* 20 hours old.*after 24/)
  assert.match(JSON.stringify(await health()), /20 hours old.*causeway domain attempts waiting\.example/)
  stage.pass(4 * hour)
  assert.match((await attempts()).summary.warning, /1 sender and recipient pair.* not come back in the time/)
  stage.queue.cameBack('a@a.example', `ann@${domain}`, stage.queue.now())
  await stage.queue.totals()
  assert.equal((await attempts()).summary.warning, undefined)
})

test('one whose time is up hides nobody who has time left, and those with little patience are warned of in time', async () => {
  const warning = async (): Promise<string> => (await attempts()).summary.warning ?? ''
  await attempted('lost@a.example')
  stage.pass(5 * hour)
  await attempted('late@a.example')
  stage.pass(20 * hour)
  assert.match(await warning(), /1 sender and recipient pair.*oldest attempt on waiting\.example.* 20 hours old/)
  assert.equal((await attempts()).summary.oldest.sender, 'late@a.example')
  await stage.queue.settleAttempts(domain, 'ann')
  await attempted('news@a.example', 'a1.eu.mailgun.org')
  stage.pass(4 * hour)
  assert.equal(await warning(), '')
  stage.pass(60_000)
  assert.match(await warning(), /gives up in 239 minutes \(Mailgun/)
})

test('what a person has seen to is quiet, until its sender is asked to come back again', async () => {
  const health = async () => (await stage.ask('GET', '/v1/health')).json.warnings
  await attempted('lost@a.example')
  stage.pass(25 * hour)
  assert.equal((await health()).length, 1)
  const done = await stage.ask('POST', `/v1/domains/${domain}/attempts/done`)
  assert.deepEqual(done.json, { domain, settled: 1 })
  const { summary, items } = await attempts()
  assert.deepEqual([summary.possiblyLost, summary.settled, summary.warning], [0, 1, undefined])
  assert.deepEqual([items[0].status, items[0].settledBy], ['settled', 'api (ann)'])
  const [record] = (await stage.ask('GET', '/v1/audit')).json.records
  assert.deepEqual([record.what, record.object, record.after], ['domain.attempts.done', domain, '1 pairs settled'])
  stage.pass(10_000)
  assert.deepEqual(await health(), [])
  assert.equal(stage.queue.figures.oldestAttemptAt, undefined)
  await attempted('lost@a.example')
  assert.deepEqual(await statusOf(), { 'lost@a.example': 'waiting' })
})

test('page by page, and only those of one status', async () => {
  for (const name of ['a', 'b', 'c']) await attempted(`${name}@a.example`)
  stage.queue.cameBack('b@a.example', `ann@${domain}`, stage.queue.now())
  await stage.queue.totals()
  const seen: string[] = []
  for (let query = '?limit=2'; query !== ''; ) {
    const page = await attempts(query)
    // Once for all pages: it is of the whole ledger.
    assert.deepEqual([page.summary?.pairs, page.summary?.cameBack], seen.length === 0 ? [3, 1] : [undefined, undefined])
    seen.push(...page.items.map((row: Row) => row.sender))
    query = page.next === undefined ? '' : `?limit=2&after=${encodeURIComponent(page.next)}`
  }
  assert.deepEqual(seen.sort(), ['a@a.example', 'b@a.example', 'c@a.example'])
  const back = await attempts('?only=came%20back')
  assert.deepEqual(
    back.items.map((row: Row) => row.sender),
    ['b@a.example'],
  )
  assert.equal((await stage.ask('GET', `/v1/domains/${domain}/attempts?only=lost`)).status, 400)
  assert.equal((await stage.ask('GET', '/v1/domains/-/attempts')).status, 404)
})

test('the CSV is safe in a spreadsheet, whatever strangers wrote', async () => {
  await attempted("=cmd|' /C calc'!A0", '@SUM(1+1)*cmd')
  await attempted('+1;=2\r\n"quoted"\u001b[31m', '-2+3')
  const { text } = await stage.ask('GET', `/v1/domains/${domain}/attempts.csv`)
  const rows: string[][] = parse(text, { record_delimiter: '\r\n' })
  assert.equal(rows.length, 3)
  assert.deepEqual(rows[0]?.slice(0, 3), ['status', 'sender', 'recipient'])
  assert.equal(rows[1]?.[1], "'=cmd|' /C calc'!A0")
  for (const cell of rows.flat()) assert.doesNotMatch(cell, /^[=+\-@\t\r]|[\u0000-\u001f]/, cell)
})

test('who came back under a bounce address made anew is shown as likely, with the address', async () => {
  await attempted('bounce-20981234@mailer.example')
  stage.queue.cameBack('bounce-20985555@mailer.example', `ann@${domain}`, stage.queue.now())
  await stage.queue.totals()
  const [row] = (await attempts()).items
  assert.deepEqual([row.status, row.cameBackAs], ['came back', 'bounce-20985555@mailer.example'])
  const { text } = await stage.ask('GET', `/v1/domains/${domain}/attempts.csv`)
  assert.match(text, /^came back \(another envelope sender of the same domain\),bounce-20981234@mailer\.example,/m)
})
