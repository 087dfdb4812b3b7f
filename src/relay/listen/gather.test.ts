import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gather } from './gather.ts'

test('what came in one piece is not copied', () => {
  const chunk = Buffer.from('xxmessagexx')
  const gather = new Gather(100)
  gather.add(chunk, 2, 9)
  const message = gather.take()
  assert.equal(message.toString(), 'message')
  assert.equal(message.buffer, chunk.buffer)
})

test('pieces become one, in order, and the first is not written into', () => {
  const chunk = Buffer.from('first, and behind it a command')
  const gather = new Gather(100)
  gather.add(chunk, 0, 5)
  for (const piece of [' second', '', ' third']) gather.add(Buffer.from(piece), 0, piece.length)
  assert.equal(gather.length, 18)
  assert.equal(gather.take().toString(), 'first second third')
  assert.equal(chunk.toString(), 'first, and behind it a command')
})

test('exactly the limit is taken, one more is not, and then nothing is kept', () => {
  const gather = new Gather(8)
  gather.add(Buffer.from('12345'), 0, 5)
  gather.add(Buffer.from('678'), 0, 3)
  assert.equal(gather.passed, undefined)
  gather.add(Buffer.from('9'), 0, 1)
  gather.add(Buffer.from('0'), 0, 1)
  gather.dropLast()
  assert.equal(gather.passed, 'messageBytes')
  assert.equal(gather.length, 0)
  assert.equal(gather.take().length, 0)
})

function grow(gather: Gather, bytes: number): Buffer {
  const chunk = Buffer.alloc(65_536, 'x')
  for (let added = 0; added < bytes; added += chunk.length) gather.add(chunk, 0, Math.min(chunk.length, bytes - added))
  return gather.take()
}

const mega = 1_048_576

test('an honest SIZE: the buffer is that long, and was only moved while small', () => {
  const message = grow(new Gather(150 * mega, 20 * mega), 20 * mega)
  assert.equal(message.length, 20 * mega)
  assert.ok(message.buffer.byteLength < 20.5 * mega)
})

test('a SIZE of 150 MB with little behind it reserves little', () => {
  assert.ok(grow(new Gather(150 * mega, 150 * mega), mega / 2).buffer.byteLength <= 2 * mega)
})

test('a SIZE that was a lie grows by doubling, never beyond the limit', () => {
  const message = grow(new Gather(10 * mega, 10), 9 * mega)
  assert.equal(message.length, 9 * mega)
  assert.ok(message.buffer.byteLength <= 10 * mega)
})

test('room is asked for before memory is taken, the whole of it as soon as SIZE is believed, and given back when it ends', () => {
  const asked: number[] = []
  const room = (bytes: number) => {
    asked.push(bytes)
    return bytes > 20.5 * mega ? ('transferBytes' as const) : undefined
  }
  grow(new Gather(150 * mega, 20 * mega, undefined, room), 20 * mega)
  assert.ok((asked[0] ?? 0) < mega)
  assert.ok((asked.at(-1) ?? 0) > 20 * mega)
  assert.ok(asked.length <= 4, String(asked))
  const refused = new Gather(150 * mega, 30 * mega, undefined, room)
  assert.equal(grow(refused, 3 * mega).length, 0)
  assert.equal(refused.passed, 'transferBytes')
  assert.equal(asked.at(-1), 0)
})

test('a chunk that was copied is not kept, the first one is while it is all', () => {
  const gather = new Gather(100)
  const [first, second] = [Buffer.from('first'), Buffer.from('second')].map((text) =>
    Buffer.from(new Uint8Array(text).buffer),
  )
  assert.ok(first !== undefined && second !== undefined)
  gather.add(first, 0, first.length)
  assert.equal(gather.keeps(first), true)
  gather.add(second, 0, second.length)
  assert.deepEqual([gather.keeps(first), gather.keeps(second)], [false, false])
})
