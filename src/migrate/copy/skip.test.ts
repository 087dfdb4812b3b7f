import assert from 'node:assert/strict'
import { test } from 'node:test'
import { letter, MemoryServer, type Step } from '../in-memory/in-memory.ts'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import { openLedger, type Skipped } from './copy.ts'
import { contents, openTestDb, pass } from './for-tests.ts'

function brief(skipped: readonly Skipped[]): readonly string[] {
  return skipped.map((s) => `${s.folder} ${s.uid} ${s.kind} ${s.subject}: ${s.why}`)
}

test('what is larger than asked for, or than the target takes, is listed, and copied when it may be', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [new MemoryServer(), new MemoryServer({ traits: { maxAppend: 5000 } })]
  const inbox = source.folder('INBOX')
  source.put(inbox, letter({ subject: '=?utf-8?Q?Gr=C3=BC=C3=9Fe?=', body: 'x'.repeat(1000) }), {
    internalDate: '17-Jul-2026 02:44:25 -0700',
  })
  source.put(inbox, letter({ subject: 'huge', body: 'x'.repeat(6000) }))
  source.put(inbox, letter({ subject: 'small' }))
  await pass(db, source, target, { options: { maxBytes: 500 } })
  const ledger = openLedger(db)
  assert.deepEqual(brief(ledger.skipped(1)), [
    'INBOX 1 tooLarge Grüße: larger than was asked for',
    'INBOX 2 tooLarge huge: the target takes 5000 bytes at most',
  ])
  assert.equal(ledger.skipped(1)[0]?.date, '2026-07-17T09:44:25.000Z')
  assert.deepEqual(ledger.counts(1), { messages: 1, bytes: 64, skipped: 2, repaired: 0, score: 'Poor' })
  await pass(db, source, target)
  assert.equal(target.folder('INBOX').messages.length, 2)
  assert.deepEqual(brief(ledger.skipped(1)), ['INBOX 2 tooLarge huge: the target takes 5000 bytes at most'])
  ledger.retrySkipped(1)
  assert.deepEqual(ledger.skipped(1), [])
  const roomy = new MemoryServer()
  roomy.folders.clear()
  for (const [id, folder] of target.folders) roomy.folders.set(id, folder)
  await pass(db, source, roomy)
  assert.equal(target.folder('INBOX').messages.length, 3)
  assert.equal(ledger.counts(1).score, 'Perfect')
})

test('one bad message ends neither folder nor pass, whichever side does not like it', async (t) => {
  const db = openTestDb(t)
  const source = new MemoryServer()
  const isPoison = (content: Buffer): boolean => content.includes('poison')
  const target = new MemoryServer({
    refuse: ({ content }) =>
      isPoison(content) ? new MailboxTrouble('refused', 'no', { words: 'I do not like it' }) : undefined,
  })
  for (let i = 0; i < 30; i += 1) source.put(source.folder('INBOX'), letter({ subject: i === 7 ? 'poison' : `m${i}` }))
  const outcome = await pass(db, source, target)
  assert.deepEqual([outcome.kind === 'done' && outcome.copied, outcome.kind === 'done' && outcome.skipped], [29, 1])
  assert.deepEqual(brief(openLedger(db).skipped(1)), ['INBOX 8 refused poison: no: I do not like it'])
  // It is not tried again each time.
  target.asked.length = 0
  source.put(source.folder('INBOX'), letter({ subject: 'new' }))
  await pass(db, source, target)
  assert.equal(target.asked.filter((command) => command === 'append').length, 1)
})

test('a message that connections die of goes last, alone, and is given up', async (t) => {
  for (const side of ['source', 'target'] as const) {
    const db = openTestDb(t)
    const dies = (): never => {
      throw new MailboxTrouble('unreachable', 'the connection was closed')
    }
    let reading = 0
    const source = new MemoryServer({
      fault: ({ command, moment }) => {
        if (command === 'fetch' && moment === 'before') reading = 0
        if (side === 'source' && command === 'fetchOne' && moment === 'before') {
          const fetched = source.folder('INBOX').messages.filter((m) => wanted.has(m.uid))[reading]
          reading += 1
          if (fetched?.content.includes('poison') === true) dies()
        }
      },
    })
    const wanted = new Set<number>()
    const target = new MemoryServer({
      refuse: ({ content }) => (side === 'target' && content.includes('poison') ? dies() : undefined),
    })
    for (let i = 0; i < 30; i += 1)
      source.put(source.folder('INBOX'), letter({ subject: i === 7 ? 'poison' : `m${i}` }))
    watchFetches(source, wanted)
    const outcome = await pass(db, source, target, { tuning: { maxInFlight: 4, maxTroubles: 8 } })
    assert.deepEqual(
      [outcome.kind === 'done' && outcome.copied, outcome.kind === 'done' && outcome.skipped],
      [29, 1],
      side,
    )
    assert.equal(target.folder('INBOX').messages.length, 29)
    assert.match(brief(openLedger(db).skipped(1)).join(), /^INBOX 8 unreadable .*lost each time/)
  }
})

/** Which UIDs the last FETCH asked for. */
function watchFetches(server: MemoryServer, wanted: Set<number>): void {
  const { connect } = server
  Object.assign(server, {
    connect: async (signal: AbortSignal) => {
      const mailbox = await connect(signal)
      const open = mailbox.open.bind(mailbox)
      return Object.assign(mailbox, {
        open: async (...args: Parameters<typeof open>) => {
          const folder = await open(...args)
          return {
            ...folder,
            fetch: (uids: readonly number[]) => {
              wanted.clear()
              for (const uid of uids) wanted.add(uid)
              return folder.fetch(uids)
            },
          }
        },
      })
    },
  })
}

test('lines that the target does not take are broken, keywords left out, and it is told', async (t) => {
  const db = openTestDb(t)
  const source = new MemoryServer()
  const target = new MemoryServer({
    traits: { maxLine: 100 },
    refuse: ({ content }) => (content.includes(0) ? new MailboxTrouble('refused', 'NUL') : undefined),
  })
  const inbox = source.folder('INBOX')
  source.put(inbox, letter({ subject: 'long', body: `${'word '.repeat(50)}\r\n` }))
  source.put(inbox, letter({ subject: 'nul', body: 'a\0b\nc\r\n' }))
  source.put(inbox, letter({ subject: 'fine' }))
  await pass(db, source, target)
  const bodies = target.folder('INBOX').messages.map((m) => m.content.toString().split('\r\n\r\n')[1])
  const line = 'word '.repeat(20)
  assert.deepEqual(bodies, [`${line}\r\n${line}\r\n${'word '.repeat(10)}\r\n`, 'ab\r\nc\r\n', 'text\r\n'])
  assert.deepEqual(brief(openLedger(db).skipped(1)), [
    'INBOX 1 repaired long: a line was longer than the 100 bytes that the target takes, and was broken',
    'INBOX 2 repaired nul: a CR or LF that stood alone became CRLF, NUL was left out',
  ])
  assert.equal(openLedger(db).counts(1).score, 'Good')
})

test('a folder that the target or the source refuses is listed, the others are copied', async (t) => {
  const db = openTestDb(t)
  const refuse = (wanted: string, bad: string) => ({
    fault: ({ command, folder }: { readonly command: string; readonly folder?: string }) => {
      if (command === wanted && folder?.startsWith(bad) === true) throw new MailboxTrouble('refused', 'not this one')
    },
  })
  const [source, target] = [new MemoryServer(refuse('open', 'Locked')), new MemoryServer(refuse('create', 'Bad'))]
  for (const name of ['Bad', 'Good', 'Locked']) source.put(source.make([name]), letter({ id: name }))
  const outcome = await pass(db, source, target)
  assert.deepEqual([outcome.kind === 'done' && outcome.copied, outcome.kind === 'done' && outcome.skipped], [1, 2])
  assert.deepEqual(
    openLedger(db)
      .skipped(1)
      .map((s) => `${s.folder} ${s.kind}`),
    ['Bad folder', 'Locked folder'],
  )
  assert.equal(openLedger(db).counts(1).score, 'Poor')
})

test('Exchange: \\Flagged is set afterwards, $MDNSent left out, no receipt is asked for again', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [new MemoryServer(), new MemoryServer({ traits: { kind: 'exchange' } })]
  const receipt = 'Disposition-Notification-To: <a@example.com>\r\n'
  const inbox = source.folder('INBOX')
  source.put(inbox, letter({ extra: receipt }), { flags: ['\\Seen', '\\Flagged', '$MDNSent'] })
  source.put(inbox, letter({ extra: receipt }), { flags: [] })
  await pass(db, source, target)
  const [read, unread] = target.folder('INBOX').messages
  assert.deepEqual([read?.flags, unread?.flags], [['\\Flagged', '\\Seen'], []])
  assert.ok(target.asked.includes('setFlags'))
  assert.match(read?.content.toString() ?? '', /\r\nX-Disposition-Notification-To: <a@/)
  assert.match(unread?.content.toString() ?? '', /\r\nDisposition-Notification-To: <a@/)
  assert.deepEqual(brief(openLedger(db).skipped(1)), [
    'INBOX 1 repaired hello: the request for a read receipt was renamed, because the message was read already',
  ])
})

test('a name that only holds others at the target becomes a folder', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [new MemoryServer(), new MemoryServer()]
  for (const path of [['Archive'], ['Archive', '2024']])
    source.put(source.make(path, { isSubscribed: true }), letter({}))
  target.make(['Archive'], { holdsMessages: false })
  target.make(['Archive', '2024'])
  assert.equal((await pass(db, source, target)).kind, 'done')
  assert.deepEqual(contents(target), contents(source))
})

test('a folder that is listed and says nothing of itself is told, until it does', async (t) => {
  const db = openTestDb(t)
  const ledger = openLedger(db)
  const fault: { now: (step: Step) => void } = { now: () => {} }
  const source = new MemoryServer({ fault: (step) => fault.now(step) })
  const target = new MemoryServer()
  const work = source.make(['Work'])
  source.put(work, letter({}))
  fault.now = ({ command }) => void (command === 'states' && source.folders.delete('Work'))
  assert.equal((await pass(db, source, target)).kind, 'done')
  assert.deepEqual(brief(ledger.skipped(1)), [
    'Work 0 folder : the source lists this folder, and does not say what it holds',
  ])
  fault.now = () => {}
  source.folders.set('Work', work)
  await pass(db, source, target)
  assert.deepEqual(ledger.skipped(1), [])
  assert.deepEqual(contents(target), contents(source))
})

test('a name that the target keeps for itself gets another top', async (t) => {
  const db = openTestDb(t)
  const source = new MemoryServer()
  const target = new MemoryServer({
    fault: ({ command, folder }) => {
      if (command === 'create' && /^(?:Other Users|Shared)(?! \(mail\))/.test(folder ?? ''))
        throw new MailboxTrouble('refused', 'no', { words: 'Invalid mailbox name' })
    },
  })
  for (const path of [['Other Users'], ['Shared', 'x']]) source.put(source.make(path), letter({}))
  await pass(db, source, target)
  assert.deepEqual(openLedger(db).skipped(1), [])
  assert.deepEqual(
    [...target.folders.values()].filter(({ messages }) => messages.length > 0).map(({ path }) => path),
    [['Other Users (mail)'], ['Shared (mail)', 'x']],
  )
})
