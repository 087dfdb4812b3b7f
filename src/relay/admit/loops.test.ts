import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHeader } from '../../mail/header/header.ts'
import { loopProblem, maxReceived } from './loops.ts'

const problem = (fields: readonly string[]) =>
  loopProblem(parseHeader(fields.map((field) => `${field}\r\n`).join('')), 'gw.example.net')
const ours =
  'Received: from x ([192.0.2.1])\r\n\tby gw.example.net with ESMTP id 1;\r\n\tFri, 02 Jan 2026 00:00:00 +0000'

test('our name twice is a loop, once is the way back', () => {
  assert.equal(problem([]), undefined)
  assert.equal(problem([ours]), undefined)
  const loop = problem([ours, ours])
  assert.deepEqual([loop?.reply.code, loop?.reply.enhanced], [554, '5.4.6'])
})

test('our name in any spelling of the field', () => {
  const spellings = [
    'received:by GW.EXAMPLE.NET;Fri, 02 Jan 2026 00:00:00 +0000',
    'RECEIVED: from a\r\n BY gw.example.net(comment);',
    'Received: from a by\r\n gw.example.net',
    // What a client called itself stands before it.
    'Received: from x by evil.example (a) by gw.example.net with ESMTP;',
    'Received: from by (a)\r\n\tby gw.example.net with ESMTP;',
  ]
  for (const spelling of spellings) assert.ok(problem([ours, spelling]), spelling)
})

test('our name elsewhere is not ours', () => {
  const others = [
    'Received: from gw.example.net (gw.example.net [192.0.2.1]) by mx.example; Fri, 02 Jan 2026 00:00:00 +0000',
    'Received: from a by gw.example.net.other.example;',
    'Received: from a by mx.example for <by@gw.example.net>;',
    'Received: from a by mx.example (relayed by gw.example.net);',
    'Received: from a (helo by gw.example.net) by mx.example;',
    'Received: from "by gw.example.net" by mx.example;',
    'X-Received: by gw.example.net',
    'Subject: by gw.example.net',
  ]
  for (const other of others) assert.equal(problem([ours, other, other]), undefined, other)
})

test(`${maxReceived} Received are a long way, one more is a loop`, () => {
  const many = (n: number) => Array.from({ length: n }, (_, i) => `Received: from h${i} by h${i + 1};`)
  assert.equal(problem(many(maxReceived)), undefined)
  assert.match(problem(many(maxReceived + 1))?.why ?? '', /101 Received/)
})

test('a Received of any size is read in time', () => {
  for (const piece of ['by ', '(', '((by ', '"', '\\', ' \t']) {
    const start = performance.now()
    problem([ours, `Received: ${piece.repeat(100_000)}`])
    assert.ok(performance.now() - start < 1000, JSON.stringify(piece))
  }
})
