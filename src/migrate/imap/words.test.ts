import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TroubleKind } from '../mailbox/mailbox.ts'
import { readResponse } from './response.ts'
import { type About, saidBy, troubleOf } from './words.ts'

const cases: readonly (readonly [said: string, about: About, kind: TroubleKind])[] = [
  ['NO Request is throttled. Suggested Backoff Time: 299961 milliseconds', 'message', 'throttled'],
  ['NO [THROTTLED] slow down', 'folder', 'throttled'],
  ['BAD User is authenticated but not connected.', 'folder', 'noMailbox'],
  ['NO Server Unavailable. 15', 'folder', 'busy'],
  ['NO [OVERQUOTA] no', 'folder', 'full'],
  ['NO Mailbox is full', 'append', 'full'],
  ['NO Message size exceeds fixed limit', 'append', 'tooLarge'],
  ['NO Message too large', 'append', 'tooLarge'],
  ['NO Message too large', 'message', 'refused'],
  ['NO Folder name is reserved', 'folder', 'refused'],
  ['NO [CANNOT] Mailbox already exists', 'folder', 'refused'],
  ["NO Mailbox doesn't exist: x", 'folder', 'changed'],
  ['NO [NONEXISTENT] Unknown Mailbox: x', 'folder', 'changed'],
  ['NO [EXPUNGEISSUED] Some of the requested messages no longer exist.', 'message', 'changed'],
  ['NO [LIMIT] too many flags', 'message', 'refused'],
  ['NO [NOPERM] no', 'folder', 'refused'],
  ['NO [SERVERBUG] Internal error occurred.', 'message', 'busy'],
  ['BAD Command Argument Error. 11', 'message', 'refused'],
  ['NO', 'folder', 'refused'],
]

for (const [said, about, kind] of cases) {
  test(`${said} (${about}): ${kind}`, () => {
    const response = readResponse([`a1 ${said}`])
    assert.ok(response.kind === 'tagged' && response.status !== 'OK')
    const trouble = troubleOf({ ...response, status: response.status }, about, 'it went wrong')
    assert.equal(trouble.kind, kind)
    assert.equal(trouble.words, said.replace(/^(?:NO|BAD) ?/, ''))
  })
}

test('a wait that is asked for is bounded, words are cut and made safe', () => {
  const text = `Suggested Backoff Time: 999999999999 milliseconds\r\n${'\x1b[31m'.repeat(1000)}`
  const trouble = troubleOf({ status: 'BYE', text }, 'message', 'm')
  assert.equal(trouble.waitMs, 24 * 60 * 60 * 1000)
  assert.match(trouble.words, /^[ -~]{1,2100}$/)
})

test('a code and its words', () => {
  assert.equal(saidBy({ code: { name: 'X', args: '1 2' }, text: 'hi' }), '[X 1 2] hi')
  const found = readResponse(['* OK [PERMANENTFLAGS (a] \\*)] limited'])
  assert.deepEqual(found, {
    kind: 'status',
    status: 'OK',
    code: { name: 'PERMANENTFLAGS', args: '(a] \\*)' },
    text: 'limited',
  })
  assert.deepEqual(readResponse(['* OK [broken']), { kind: 'status', status: 'OK', text: '[broken' })
  assert.deepEqual(readResponse(['a1 OK']), { kind: 'tagged', tag: 'a1', status: 'OK', text: '' })
})
