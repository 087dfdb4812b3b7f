import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstAckTooEarly } from './sync-order.ts'

const write = (mark: string): string =>
  `7 pwrite64(9</d/queue.db-wal>, "\\0\\0<${mark}@ledger.example>", 4096, 0) = 4096`
const sync = '7 fsync(9</d/queue.db-wal>) = 0'
const ack = '5 write(43<socket:[1]>, "250 2.0.0 OK id=1\\r\\n", 20) = 20'
const find = (...log: readonly string[]): string | undefined =>
  firstAckTooEarly(log.join('\n'), ['a.1', 'a.2']).tooEarly

test('written, synced, answered: as it should be', () => {
  assert.equal(find(write('a.1'), sync, ack, write('a.2'), sync, ack), undefined)
})

test('answered before it was written, or before it was synced', () => {
  assert.equal(find(ack), 'a.1 was nowhere')
  assert.equal(find(write('a.1'), ack), 'a.1 was written')
  assert.equal(find(write('a.1'), ack, sync), 'a.1 was written')
  assert.equal(find(write('a.1'), sync, ack, ack), 'a.2 was nowhere')
})

test('a sync of something else, one that failed, and one that has not ended do not count', () => {
  assert.equal(find(write('a.1'), '7 fsync(9</d/trace.db-wal>) = 0', ack), 'a.1 was written')
  assert.equal(find(write('a.1'), '7 fsync(9</d/queue.db-wal>) = -1 EIO (Input/output error)', ack), 'a.1 was written')
  const begun = '7 fsync(9</d/queue.db-wal> <unfinished ...>'
  const ended = '7 <... fsync resumed>) = 0'
  assert.equal(find(write('a.1'), begun, ack, ended), 'a.1 was written')
  assert.equal(find(write('a.1'), begun, ended, ack), undefined)
})

test('a sync that began before the message was written does not make it durable by its name', () => {
  assert.equal(find(sync, write('a.1'), ack), 'a.1 was written')
})
