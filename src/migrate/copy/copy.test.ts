import assert from 'node:assert/strict'
import { test } from 'node:test'
import { letter, MemoryServer } from '../mailbox/for-tests.ts'
import { contents, openTestDb, pass } from './for-tests.ts'

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

test('a mailbox is copied whole, and a second pass finds nothing to do', async (t) => {
  const db = openTestDb(t)
  const [source, target] = [filled(), new MemoryServer()]
  const outcome = await pass(db, source, target)
  assert.deepEqual(outcome, {
    kind: 'done',
    copied: 103,
    bytes: 9685,
    flags: 0,
    removed: 0,
    adopted: 0,
    skipped: 0,
    heldBack: 0,
  })
  assert.deepEqual(contents(target), contents(source))
  source.asked.length = 0
  target.asked.length = 0
  const second = await pass(db, source, target)
  assert.deepEqual(second, {
    kind: 'done',
    copied: 0,
    bytes: 0,
    flags: 0,
    removed: 0,
    adopted: 0,
    skipped: 0,
    heldBack: 0,
  })
  assert.deepEqual(source.asked, ['connect', 'folders', 'states'])
  assert.deepEqual(target.asked, ['connect', 'folders', 'states'])
})
