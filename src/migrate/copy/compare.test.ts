import assert from 'node:assert/strict'
import { test } from 'node:test'
import { letter, MemoryServer } from '../in-memory/in-memory.ts'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import { type Comparison, compareMailboxes, defaultOptions, openLedger, surveyMailbox } from './copy.ts'
import { openTestDb, pass } from './for-tests.ts'

const signal = new AbortController().signal

async function compare(source: MemoryServer, target: MemoryServer): Promise<Comparison & { kind: 'compared' }> {
  const compared = await compareMailboxes({
    source: source.connect,
    target: target.connect,
    options: defaultOptions,
    signal,
  })
  assert.equal(compared.kind, 'compared')
  return compared.kind === 'compared' ? compared : assert.fail()
}

function filled(): MemoryServer {
  const server = new MemoryServer()
  for (let i = 0; i < 5; i += 1) server.put(server.folder('INBOX'), letter({ id: `m${i}` }), { flags: ['\\Seen'] })
  const work = server.make(['Work'], { isSubscribed: true })
  server.put(work, letter({ body: 'twin\r\n' }), { internalDate: '17-Jul-2026 02:44:25 -0700' })
  server.put(work, letter({ body: 'twin\r\n' }), { internalDate: '17-Jul-2026 02:44:25 -0700' })
  return server
}

test('equal sides are equal, and their digests too, in whatever order the messages stand', async (t) => {
  const [source, target] = [filled(), new MemoryServer()]
  await pass(openTestDb(t), source, target, { options: { newestFirst: true }, tuning: { messagesPerLane: 1 } })
  const { isEqual, source: s, target: there, counts } = await compare(source, target)
  assert.deepEqual({ isEqual, counts }, { isEqual: true, counts: {} })
  assert.deepEqual([s.folders, s.messages, s.bytes], [2, 7, 598])
  assert.deepEqual(there, s)
})

test('each difference is told as what it is', async (t) => {
  const [source, target] = [filled(), new MemoryServer()]
  await pass(openTestDb(t), source, target)
  const inbox = target.folder('INBOX')
  const [a, b, c, d] = inbox.messages
  assert.ok(a && b && c && d)
  target.setFlags(inbox, a, ['\\Flagged'])
  b.internalDate = '01-Jan-2020 00:00:00 +0000'
  c.content = Buffer.from(c.content.toString().replace('text', 'TEXT!'))
  target.remove(inbox, new Set([d.uid]))
  target.put(inbox, letter({ id: 'own', subject: 'mine' }))
  target.folder('Work').messages.pop()
  target.folder('Work').isSubscribed = false
  target.put(target.make(['Other']), letter({}))
  const { differences, isEqual, source: s, target: there } = await compare(source, target)
  assert.equal(isEqual, false)
  assert.notEqual(s.digest, there.digest)
  const told = differences.map((x) => `${x.kind} ${x.folder} ${x.sourceUid ?? '-'} ${x.targetUid ?? '-'} ${x.detail}`)
  assert.deepEqual(told.toSorted(), [
    'bytes INBOX 3 3 94 bytes at the source, 95 at the target',
    'date INBOX 2 2 2020-01-01T00:00:00.000Z at the target',
    'extra INBOX - 6 not at the source',
    'extraFolder Other - - holds 1 messages',
    'flags INBOX 1 1 \\Seen at the source, \\Flagged at the target',
    'missing INBOX 4 - not at the target',
    'missing Work 2 - not at the target',
    'subscription Work - - subscribed at the source only',
  ])
  assert.equal(differences.find((x) => x.kind === 'extra')?.subject, 'mine')
})

test('a target where folders have other names is compared by what the ledger knows of them', async (t) => {
  const db = openTestDb(t)
  const source = filled()
  const target = new MemoryServer({
    fault: ({ command, folder }) => {
      if (command === 'create' && folder === 'W/rk') throw new MailboxTrouble('refused', 'no slash')
    },
  })
  source.put(source.make(['W/rk']), letter({ id: 'x' }))
  await pass(db, source, target)
  const folders = openLedger(db).folderNames(1)
  assert.equal(target.folder('W_rk').messages.length, 1)
  const job = { source: source.connect, target: target.connect, options: defaultOptions, signal }
  const blind = await compareMailboxes(job)
  assert.equal(blind.kind === 'compared' && blind.isEqual, false)
  const knowing = await compareMailboxes({ ...job, folders })
  assert.equal(knowing.kind === 'compared' && knowing.isEqual, true)
})

test('a survey writes nothing and tells what a pass would do', async () => {
  const source = filled()
  source.put(source.folder('INBOX'), letter({ subject: 'huge', body: 'x'.repeat(2000) }))
  source.make(['Starred'], { use: 'flagged' })
  const target = new MemoryServer({ traits: { maxAppend: 1000, kind: 'exchange' } })
  const survey = await surveyMailbox({
    source: source.connect,
    target: target.connect,
    options: defaultOptions,
    signal,
  })
  assert.ok(survey.kind === 'surveyed')
  assert.deepEqual(survey.folders, [
    { source: 'INBOX', target: 'INBOX', isNew: false, messages: 5, bytes: 470, targetMessages: 0 },
    { source: 'Work', target: 'Work', isNew: true, messages: 2, bytes: 128, targetMessages: 0 },
  ])
  assert.deepEqual([survey.messages, survey.bytes, survey.wouldSkipCount], [7, 598, 1])
  assert.deepEqual(survey.wouldSkip[0]?.subject, 'huge')
  assert.deepEqual(survey.leftOut, [
    { folder: 'Starred', messages: 0, why: 'shows messages that stand in other folders' },
  ])
  assert.deepEqual([...target.folders.keys()], ['INBOX'])
  assert.deepEqual(target.asked.toSorted(), ['connect', 'folders', 'states'])
})
