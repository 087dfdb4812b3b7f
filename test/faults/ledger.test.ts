import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readContent } from './hop-content.ts'
import { digestOf, type Ledger, type Letter, makeLedger } from './ledger.ts'
import { stuffed } from './sender.ts'

const to = ['ann@a.example', 'bob@a.example']
const write = (ledger: Ledger): Letter => ledger.write({ from: 'x@a.example', to })
const arrive = (ledger: Ledger, letter: Letter, raw = letter.raw, who = to): boolean =>
  ledger.arrived({ id: letter.id, digest: digestOf(raw), to: who })

test('accepted and arrived: nothing is wrong, whatever the domain has become on the way', () => {
  const ledger = makeLedger()
  const letter = write(ledger)
  ledger.accepted(letter, to)
  arrive(ledger, letter, letter.raw, ['ann@b.example', 'BOB@b.example'])
  const { accepted, delivered, lost, altered, doubled, both } = ledger.count([])
  assert.deepEqual([accepted, delivered, lost, altered, doubled, both], [2, 2, 0, 0, 0, 0])
})

test('accepted and nowhere is lost; in the queue, returned or dropped is not', () => {
  const ledger = makeLedger()
  const letters = [1, 2, 3, 4].map(() => write(ledger))
  for (const letter of letters) ledger.accepted(letter, ['ann@a.example'])
  const [first, second, third, fourth] = letters.map(({ id }) => id)
  ledger.returned(second ?? '', 'ann@a.example')
  ledger.dropped(third ?? '', 'ann@a.example')
  const { lost, returned, dropped, kept, examples } = ledger.count([{ id: fourth ?? '', recipient: 'ann@a.example' }])
  assert.deepEqual([lost, returned, dropped, kept], [1, 1, 1, 1])
  assert.deepEqual(examples.lost, [`${first} to ann`])
})

test('one byte more, one byte less, another message: altered', () => {
  const ledger = makeLedger()
  const letter = write(ledger)
  ledger.accepted(letter, to)
  arrive(ledger, letter, Buffer.concat([letter.raw, Buffer.from('\n')]), ['ann@a.example'])
  arrive(ledger, letter, letter.raw.subarray(0, -1), ['bob@a.example'])
  ledger.arrived({ id: 'nobody', digest: '', to: ['ann@a.example'] })
  assert.equal(ledger.count([]).altered, 3)
})

test('a second copy is doubled; one copy is too many for who was told to come back, and right for who was cut', () => {
  const ledger = makeLedger()
  const [twice, refused, cut] = [write(ledger), write(ledger), write(ledger)]
  ledger.accepted(twice, to)
  ledger.refused(refused, to)
  ledger.cut(cut)
  for (const letter of [twice, twice, refused, cut]) arrive(ledger, letter)
  ledger.allow(3)
  const { doubled, allowed, lost } = ledger.count([])
  assert.deepEqual([doubled, allowed, lost], [4, 3, 0])
})

test('two ends at once are told: delivered and still in the queue, refused and kept', () => {
  const ledger = makeLedger()
  const [sent, refused] = [write(ledger), write(ledger)]
  ledger.accepted(sent, to)
  arrive(ledger, sent)
  ledger.refused(refused, to)
  const kept = [sent, refused].map(({ id }) => ({ id, recipient: 'ann@a.example' }))
  assert.equal(ledger.count(kept).both, 2)
})

test('a message is read off the wire as it was written, however the network cuts it', () => {
  const ledger = makeLedger()
  const body = Buffer.from('.\r\n..\r\n...\r\nx\r\n.y\r\n\r\n.\r\n')
  const { raw, id } = ledger.write({ from: 'x@a.example', to, body })
  const wire = Buffer.concat([Buffer.from('Received: by us\r\n'), stuffed(raw), Buffer.from('QUIT\r\n')])
  for (const size of [1, 2, 3, 5, 7, 64, wire.length]) {
    const content = readContent()
    let rest: Buffer | undefined
    for (let at = 0; at < wire.length && rest === undefined; at += size) {
      const found = content.read(wire.subarray(at, at + size))
      if (found !== undefined) rest = Buffer.concat([found, wire.subarray(at + size)])
    }
    assert.deepEqual([content.id(), content.digest(), String(rest)], [id, digestOf(raw), 'QUIT\r\n'], `by ${size}`)
  }
})
