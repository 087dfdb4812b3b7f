import assert from 'node:assert/strict'
import { test } from 'node:test'
import { letter, MemoryServer } from '../in-memory/in-memory.ts'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import { copyPass, type PassOutcome, type Progress } from './copy.ts'
import { contents, jobFor, openTestDb, pass } from './for-tests.ts'

function filled(): MemoryServer {
  const server = new MemoryServer()
  const inbox = server.folder('INBOX')
  for (let i = 0; i < 100; i += 1)
    server.put(inbox, letter({ id: `m${i}` }), { flags: i % 2 === 0 ? ['\\Seen', '$Label1'] : [] })
  const deep = server.make(['Arbeit', 'Pläne/2026'], { isSubscribed: true })
  server.put(deep, letter({ body: 'twice\r\n' }))
  server.put(deep, letter({ body: 'twice\r\n' }), { internalDate: '17-Jul-2026 02:44:25 -0700' })
  server.put(deep, letter({ body: 'twice\r\n' }), { internalDate: '17-Jul-2026 02:44:25 -0700' })
  server.make(['Leer'])
  return server
}

function done(more: Partial<Extract<PassOutcome, { kind: 'done' }>>): PassOutcome {
  return { kind: 'done', copied: 0, bytes: 0, flags: 0, removed: 0, adopted: 0, skipped: 0, heldBack: 0, ...more }
}

test('a mailbox is copied whole, and a second pass asks each side once and does nothing', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [filled(), new MemoryServer()]
  assert.deepEqual(await pass(db, source, target), done({ copied: 103, bytes: 9685 }))
  assert.deepEqual(contents(target), contents(source))
  source.asked.length = 0
  target.asked.length = 0
  assert.deepEqual(await pass(db, source, target), done({}))
  assert.deepEqual(source.asked, ['connect', 'folders', 'states'])
  assert.deepEqual(target.asked, ['connect', 'folders', 'states'])
})

test('progress counts to its end, and the ledger counts the same', async (t) => {
  const db = openTestDb(t)
  const told: Progress[] = []
  const job = jobFor(db, filled(), new MemoryServer(), { onProgress: (p) => told.push(p) })
  await copyPass(job)
  const { folder: _, ...last } = told.at(-1) ?? assert.fail('nothing was told')
  assert.deepEqual(last, {
    folders: 2,
    foldersDone: 2,
    messages: 103,
    messagesDone: 103,
    bytes: 9685,
    bytesDone: 9685,
    skipped: 0,
  })
  assert.deepEqual(job.ledger.counts(1), { messages: 103, bytes: 9685, skipped: 0, repaired: 0, score: 'Perfect' })
  job.ledger.forget(1)
  assert.deepEqual(job.ledger.counts(1), { messages: 0, bytes: 0, skipped: 0, repaired: 0, score: 'Perfect' })
})

test('newest first, and only what lies between two dates', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [new MemoryServer(), new MemoryServer()]
  const inbox = source.folder('INBOX')
  for (const day of [3, 1, 5, 2, 4]) {
    source.put(inbox, letter({ subject: `day ${day}` }), { internalDate: `0${day}-Jul-2026 00:00:00 +0000` })
  }
  const options = { newestFirst: true, since: Date.UTC(2026, 6, 2), before: Date.UTC(2026, 6, 5) }
  await pass(db, source, target, { options, tuning: { messagesPerLane: 1 } })
  const order = target.folder('INBOX').messages.map((m) => /day \d/.exec(m.content.toString())?.[0])
  assert.deepEqual(order, ['day 4', 'day 3', 'day 2'])
  // Another choice later brings what was left out, and nothing else.
  assert.deepEqual(await pass(db, source, target, { options: {} }), done({ copied: 2, bytes: 128 }))
})

test('two folders that are led into one keep every message, equal ones too, but for the one that was there', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [new MemoryServer(), new MemoryServer()]
  for (const name of ['A', 'B']) {
    const folder = source.make([name])
    for (let i = 0; i < 3; i += 1) source.put(folder, letter({ id: `${i}` }))
  }
  target.put(target.make(['Both']), letter({ id: '0' }), { internalDate: '01-Jul-2026 00:00:00 +0000' })
  const options = { folderMap: { A: 'Both', B: 'Both' }, connections: 3 }
  await pass(db, source, target, { options, tuning: { messagesPerLane: 1 } })
  await pass(db, source, target, { options, tuning: { messagesPerLane: 1 } })
  const ids = target.folder('Both').messages.map((m) => /<\d/.exec(m.content.toString())?.[0])
  assert.deepEqual(ids.join(' '), '<0 <1 <2 <0 <1 <2')
})

test('a target that is full ends the pass, one that is busy is tried again, a stop is no failure', async (t) => {
  const db = openTestDb(t)
  const source = filled()
  const full = new MemoryServer({ refuse: () => new MailboxTrouble('full', 'no room') })
  const outcome = await pass(db, source, full)
  assert.equal(outcome.kind === 'failed' && outcome.trouble.kind, 'full')
  assert.equal(outcome.kind === 'failed' && outcome.mayPass, false)

  const told: (number | undefined)[] = []
  let troubles = 3
  const busy = new MemoryServer({
    fault: ({ command, moment }) => {
      if (command === 'append' && moment === 'before' && troubles-- > 0)
        throw new MailboxTrouble('throttled', 'slowly', { waitMs: 7 })
    },
  })
  const pace = { take: async () => {}, went: () => {}, told: (trouble: MailboxTrouble) => told.push(trouble.waitMs) }
  const job = jobFor(db, source, busy, { pace })
  job.ledger.forget(1)
  assert.deepEqual(await copyPass(job), done({ copied: 103, bytes: 9685 }))
  assert.deepEqual(told, [7, 7, 7])
  assert.deepEqual(contents(busy), contents(source))

  const stopping = new AbortController()
  const stopped = new MemoryServer({ fault: ({ command }) => (command === 'append' ? stopping.abort() : undefined) })
  job.ledger.forget(1)
  assert.deepEqual(await copyPass({ ...job, target: stopped.connect, signal: stopping.signal }), { kind: 'stopped' })
})

test('a server that never answers well again is given up, with its last words', async (t) => {
  const db = openTestDb(t)
  const dead = new MemoryServer({
    fault: ({ command }) => {
      if (command === 'append') throw new MailboxTrouble('stalled', 'nothing came')
    },
  })
  const outcome = await pass(db, filled(), dead)
  assert.equal(outcome.kind === 'failed' && outcome.trouble.kind, 'stalled')
  assert.equal(outcome.kind === 'failed' && outcome.mayPass, true)
})

test('a target that was wiped is filled again', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [filled(), new MemoryServer()]
  await pass(db, source, target)
  target.folders.clear()
  target.make(['INBOX'], { use: 'inbox', isSubscribed: true, uidValidity: 77 })
  assert.deepEqual(await pass(db, source, target), done({ copied: 103, bytes: 9685 }))
  assert.deepEqual(contents(target), contents(source))
})
