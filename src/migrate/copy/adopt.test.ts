import assert from 'node:assert/strict'
import { test } from 'node:test'
import { letter, MemoryServer } from '../in-memory/in-memory.ts'
import { contents, openTestDb, pass } from './for-tests.ts'

const day = (n: number): { readonly internalDate: string } => ({ internalDate: `0${n}-Jul-2026 00:00:00 +0000` })

function sourceOf(): MemoryServer {
  const source = new MemoryServer()
  const inbox = source.folder('INBOX')
  source.put(inbox, letter({ id: 'one', subject: 'a long subject that is folded' }), { ...day(1), flags: ['\\Seen'] })
  source.put(inbox, letter({ id: 'two' }), day(2))
  // Without Message-ID, the same heading, another body of the same length.
  source.put(inbox, letter({ body: 'AAAA\r\n' }), day(3))
  source.put(inbox, letter({ body: 'BBBB\r\n' }), day(3))
  // A true duplicate.
  source.put(inbox, letter({ id: 'twin' }), day(4))
  source.put(inbox, letter({ id: 'twin' }), day(4))
  return source
}

test('what another program has copied is adopted, as often as it is there, and the rest is copied', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [sourceOf(), new MemoryServer()]
  const inbox = target.folder('INBOX')
  target.put(inbox, letter({ id: 'own' }), day(5))
  target.put(inbox, letter({ body: 'BBBB\r\n' }), day(3))
  target.put(inbox, letter({ id: 'twin' }), day(4))
  target.put(inbox, letter({ id: 'one', subject: 'a long subject that is folded' }), day(1))
  const outcome = await pass(db, source, target)
  assert.deepEqual([outcome.kind === 'done' && outcome.copied, outcome.kind === 'done' && outcome.adopted], [3, 3])
  assert.deepEqual(
    contents(target).filter((line) => !line.includes('<own@')),
    contents(source),
  )
  const again = await pass(db, source, target)
  assert.deepEqual([again.kind === 'done' && again.copied, again.kind === 'done' && again.adopted], [0, 0])
})

test('a copy whose header was folded anew, or got a field, is the same message', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [sourceOf(), new MemoryServer()]
  for (const { content, internalDate } of source.folder('INBOX').messages) {
    const text = content
      .toString()
      .replace('subject that', 'subject\r\n that')
      .replace('\r\n\r\n', '\r\nX-TUID: abc\r\n\r\n')
    target.put(target.folder('INBOX'), text, { internalDate })
  }
  const outcome = await pass(db, source, target)
  assert.deepEqual([outcome.kind === 'done' && outcome.copied, outcome.kind === 'done' && outcome.adopted], [0, 6])
})

test('a copy that lost its date is known by its body; another message with the same heading is not', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [new MemoryServer(), new MemoryServer()]
  source.put(source.folder('INBOX'), letter({ id: 'a', body: 'one\r\n' }), day(1))
  source.put(source.folder('INBOX'), letter({ id: 'b', body: 'one\r\n' }), day(1))
  target.put(target.folder('INBOX'), letter({ id: 'a', body: 'one\r\n' }), day(7))
  target.put(target.folder('INBOX'), letter({ id: 'b', body: 'another\r\n' }), day(7))
  const outcome = await pass(db, source, target)
  assert.deepEqual([outcome.kind === 'done' && outcome.copied, outcome.kind === 'done' && outcome.adopted], [1, 1])
})

test('a source that numbers its messages anew does not get them copied anew', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [sourceOf(), new MemoryServer()]
  await pass(db, source, target)
  const inbox = source.folder('INBOX')
  inbox.uidValidity += 1
  for (const m of inbox.messages) m.uid += 100
  inbox.uidNext += 100
  source.put(inbox, letter({ id: 'new' }))
  const outcome = await pass(db, source, target)
  assert.deepEqual([outcome.kind === 'done' && outcome.copied, outcome.kind === 'done' && outcome.adopted], [1, 6])
  assert.deepEqual(contents(target), contents(source))
})
