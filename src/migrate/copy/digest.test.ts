import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { headerEnd } from '../mailbox/mailbox.ts'
import { digestOf, digestsOf } from './digest.ts'

const parts = fc.array(fc.constantFrom('\r\n', '\n', '\r', 'a: b', 'text', '\0', ' '), { maxLength: 30 })

test('a digest is of the canonical form, and the same however the message is cut in pieces', async () => {
  const canonical = (s: string): string => s.replaceAll('\0', '').replace(/\r\n|\r|\n/g, '\r\n')
  await fc.assert(
    fc.asyncProperty(parts, fc.integer({ min: 1, max: 7 }), async (texts, cut) => {
      const message = Buffer.from(texts.join(''))
      // A NUL between CR and LF goes first; then they are one line end or two, as the pieces have it.
      fc.pre(!/\r\0+\n/.test(texts.join('')))
      const whole = hash('sha256', canonical(texts.join('')))
      const body = hash('sha256', canonical(message.subarray(headerEnd(message)).toString()))
      const read = async function* () {
        for (let at = 0; at < message.length; at += cut) yield message.subarray(at, at + cut)
      }
      const expected = { whole, body, size: canonical(texts.join('')).length }
      assert.equal(digestOf(message).toString('hex'), whole)
      assert.deepEqual(await digestsOf(message), expected)
      assert.deepEqual(await digestsOf({ size: message.length, read }), expected)
    }),
  )
})
