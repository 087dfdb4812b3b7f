import assert from 'node:assert/strict'
import { test } from 'node:test'
import { letter, MemoryServer, type StoredFolder } from '../in-memory/in-memory.ts'
import { openLedger, type PassOutcome } from './copy.ts'
import { contents, openTestDb, pass } from './for-tests.ts'

function count(outcome: PassOutcome): readonly number[] {
  assert.equal(outcome.kind, 'done')
  return outcome.kind === 'done' ? [outcome.copied, outcome.flags, outcome.removed, outcome.heldBack] : []
}

function fill(server: MemoryServer, folder: StoredFolder, messages: number): void {
  for (let i = 0; i < messages; i += 1) server.put(folder, letter({ id: `${folder.path.join('.')}-${i}` }))
}

for (const hasCondstore of [true, false]) {
  test(`only what changed at the source is changed at the target (CONDSTORE: ${hasCondstore})`, async (t) => {
    const db = openTestDb(t)
    const [source, target] = [new MemoryServer({ traits: { hasCondstore } }), new MemoryServer()]
    const [from, to] = [source.folder('INBOX'), target.folder('INBOX')]
    source.put(from, letter({ id: 'a' }), { flags: ['\\Seen'] })
    source.put(from, letter({ id: 'b' }), { flags: ['\\Flagged', '$Label1'] })
    await pass(db, source, target)
    const [a, b] = to.messages
    assert.ok(a && b)
    // Its user has read on meanwhile.
    target.setFlags(to, a, ['\\Seen', '\\Answered'])
    target.setFlags(to, b, ['\\Seen', '$Label1'])
    source.setFlags(from, from.messages[0] ?? a, ['\\Flagged'])
    source.setFlags(from, from.messages[1] ?? b, ['\\Flagged', 'Projekt'])
    assert.deepEqual(count(await pass(db, source, target)), [0, 2, 0, 0])
    assert.deepEqual(
      to.messages.map((m) => m.flags),
      [
        ['\\Answered', '\\Flagged'],
        ['\\Seen', 'Projekt'],
      ],
    )
    assert.deepEqual(count(await pass(db, source, target)), [0, 0, 0, 0])
  })
}

test('flags are left alone where they are not to be followed, new messages come all the same', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [new MemoryServer(), new MemoryServer()]
  const from = source.folder('INBOX')
  const first = source.put(from, letter({ id: 'a' }))
  await pass(db, source, target, { options: { followFlags: false } })
  source.setFlags(from, first, ['\\Seen'])
  source.put(from, letter({ id: 'b' }), { flags: ['\\Seen'] })
  assert.deepEqual(count(await pass(db, source, target, { options: { followFlags: false } })), [1, 0, 0, 0])
  assert.deepEqual(
    target.folder('INBOX').messages.map((m) => m.flags),
    [[], ['\\Seen']],
  )
})

test('deletions are followed by choice, and touch nothing that was not put there by us', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [new MemoryServer(), new MemoryServer()]
  fill(source, source.folder('INBOX'), 20)
  target.put(target.folder('INBOX'), letter({ id: 'own' }))
  await pass(db, source, target)
  source.remove(source.folder('INBOX'), new Set([1, 2, 3]))
  assert.deepEqual(count(await pass(db, source, target)), [0, 0, 0, 0])
  assert.deepEqual(count(await pass(db, source, target, { options: { followDeletions: true } })), [0, 0, 3, 0])
  const left = target.folder('INBOX').messages.map((m) => m.uid)
  assert.deepEqual(left, [1, ...Array.from({ length: 17 }, (_, i) => i + 5)])
})

test('a pass that would remove more than it may removes nothing, and says so, until it is told otherwise', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [new MemoryServer(), new MemoryServer()]
  fill(source, source.folder('INBOX'), 300)
  const options = { followDeletions: true }
  await pass(db, source, target, { options })
  source.remove(source.folder('INBOX'), new Set(Array.from({ length: 150 }, (_, i) => i + 1)))
  assert.deepEqual(count(await pass(db, source, target, { options })), [0, 0, 0, 150])
  const [told] = openLedger(db).skipped(1)
  assert.deepEqual([told?.kind, told?.folder, told?.subject], ['heldBack', 'INBOX', '150 messages'])
  assert.deepEqual(
    count(await pass(db, source, target, { options: { ...options, removeAtMost: 150 } })),
    [0, 0, 150, 0],
  )
  assert.deepEqual(openLedger(db).skipped(1), [])
  assert.deepEqual(contents(target), contents(source))
})

test('a folder that is suddenly empty or gone is believed the second time', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [new MemoryServer(), new MemoryServer()]
  fill(source, source.folder('INBOX'), 20)
  fill(source, source.make(['Old']), 20)
  const options = { followDeletions: true }
  await pass(db, source, target, { options })
  const before = source.folder('INBOX').messages
  source.folder('INBOX').messages = []
  source.folders.delete('Old')
  assert.deepEqual(count(await pass(db, source, target, { options })), [0, 0, 0, 40])
  // It was a hiccup in the one, meant in the other.
  source.folder('INBOX').messages = before
  assert.deepEqual(count(await pass(db, source, target, { options })), [0, 0, 20, 0])
  assert.equal(target.folder('INBOX').messages.length, 20)
  assert.equal(target.folder('Old').messages.length, 0)
})
