import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHeader } from '../../mail/header/header.ts'
import { issuePass, type Pass, passField, readPass } from './pass.ts'

const key = Buffer.alloc(32, 1)
const now = Date.UTC(2026, 0, 2)
const day = 24 * 3_600_000
const pass: Pass = { project: 'p', tenant: 'contoso', direction: 'outside', at: now }
const messageId = '<1@contoso.example>'

const author = 'John Smith <john@shared.example>'
const of = (id: string, ...from: readonly string[]) =>
  parseHeader(`${from.map((f) => `From: ${f}\r\n`).join('')}Message-ID: ${id}\r\n`)
const copy = of(messageId, author)
const header = (value: string, id: string, from: readonly string[]) =>
  parseHeader(`${passField}: ${value}\r\n${from.map((f) => `From: ${f}\r\n`).join('')}Message-ID: ${id}\r\n`)
const read = (value: string, o: { key?: Buffer; id?: string; at?: number; from?: readonly string[] } = {}) =>
  readPass(o.key ?? key, header(value, o.id ?? messageId, o.from ?? [author]), o.at ?? now)

test('our own pass is read, folded and in any case of its name', () => {
  const value = issuePass(key, pass, copy)
  assert.deepEqual(read(value), pass)
  assert.deepEqual(read(`\r\n ${value.slice(0, 30)}\r\n\t${value.slice(30)}`), pass)
  const lower = parseHeader(`x-causeway-pass:${value}\r\nfrom: ${author}\r\nMessage-Id: ${messageId}\r\n`)
  assert.deepEqual(readPass(key, lower, now), pass)
  assert.deepEqual(read(issuePass(key, { ...pass, direction: 'inside' }, copy))?.direction, 'inside')
})

test('it is opaque, and never the same twice', () => {
  const one = issuePass(key, pass, copy)
  assert.match(one, /^[\w-]+$/)
  assert.doesNotMatch(Buffer.from(one, 'base64url').toString('latin1'), /contoso|outside/)
  assert.notEqual(one, issuePass(key, pass, copy))
})

test('forged, damaged, cut or empty: no pass', () => {
  const sealed = Buffer.from(issuePass(key, pass, copy), 'base64url')
  for (let i = 0; i < sealed.length; i += 1) {
    const damaged = Buffer.from(sealed)
    damaged[i] = (damaged[i] ?? 0) ^ 1
    assert.equal(read(damaged.toString('base64url')), undefined, `byte ${i}`)
  }
  for (let length = 0; length < sealed.length; length += 1)
    assert.equal(read(sealed.subarray(0, length).toString('base64url')), undefined, `${length} bytes`)
  for (const junk of ['', 'forged', 'é', '='.repeat(100), 'A'.repeat(100_000)]) assert.equal(read(junk), undefined)
})

test('another key, another message, another author, one more author', () => {
  const value = issuePass(key, pass, copy)
  assert.equal(read(value, { key: Buffer.alloc(32, 2) }), undefined)
  assert.equal(read(value, { id: '<2@contoso.example>' }), undefined)
  assert.equal(read(value, { from: ['mary@shared.example'] }), undefined)
  assert.equal(read(value, { from: [author, 'x@y.example'] }), undefined)
  assert.equal(read(value, { from: [] }), undefined)
  assert.deepEqual(read(value, { from: ['John\r\n Smith\r\n\t<john@shared.example>'] }), pass)
})

test('a pass is good for two weeks, also by a clock that went back', () => {
  const value = issuePass(key, pass, copy)
  assert.ok(read(value, { at: now + 14 * day }))
  assert.equal(read(value, { at: now + 14 * day + 1 }), undefined)
  assert.ok(read(value, { at: now - day }))
  assert.equal(read(value, { at: now - 15 * day }), undefined)
})

test('a message without Message-ID and From can have one', () => {
  const bare = parseHeader(`${passField}: ${issuePass(key, pass, parseHeader(''))}\r\n`)
  assert.deepEqual(readPass(key, bare, now), pass)
  assert.equal(readPass(key, parseHeader('From: a@b.example\r\n'), now), undefined)
})

test('of two passes none is taken on trust: the first decides', () => {
  const good = issuePass(key, pass, copy)
  assert.equal(read(`forged\r\n${passField}: ${good}`), undefined)
})
