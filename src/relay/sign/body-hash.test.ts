import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { bodyHash } from './body-hash.ts'

/** RFC 6376 section 3.4.4, sentence by sentence, for a body that the transport has ended with CRLF. */
function naive(body: string): string {
  const complete = body === '' || body.endsWith('\r\n') ? body : `${body}\r\n`
  const lines = complete.split('\r\n').map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
  while (lines.at(-1) === '') lines.pop()
  return lines.map((line) => `${line}\r\n`).join('')
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('base64')
}

function hashOf(...pieces: readonly string[]): Promise<string> {
  return bodyHash(pieces.map((piece) => Buffer.from(piece, 'latin1')))
}

function cut(text: string, at: readonly number[]): readonly string[] {
  const edges = [0, ...at.map((n) => n % (text.length + 1)).sort((a, b) => a - b), text.length]
  return edges.slice(1).map((edge, index) => text.slice(edges[index], edge))
}

/** Mostly the bytes that matter, in every order. */
const oddBody = fc
  .array(fc.constantFrom(' ', '  ', '\t', '\r', '\n', '\r\n', '\r\n\r\n', '.', 'a', 'word', '\xe4', '\0'), {
    maxLength: 60,
  })
  .map((words) => words.join(''))

describe('the hash of a body', () => {
  test('is that of the canonical form, wherever the pieces are cut', () =>
    fc.assert(
      fc.asyncProperty(oddBody, fc.array(fc.nat(200), { maxLength: 6 }), async (body, cuts) => {
        const expected = sha256(naive(body))
        assert.equal(await hashOf(body), expected)
        assert.equal(await hashOf(...cut(body, cuts)), expected)
        assert.equal(await hashOf(...body.split('')), expected)
      }),
      { numRuns: 3000 },
    ))

  test('is the same around the edges of the slices it is read in', async () => {
    const words = ['\r\n', ' \r\n', '\t', '  ', ' \r', '\r\n\r\n\r\n', 'a', ' ']
    for (const word of words) {
      for (let before = 65_530; before <= 65_538; before += 1) {
        const body = `${'x'.repeat(before)}${word}${word}y${word}`
        assert.equal(await hashOf(body), sha256(naive(body)), JSON.stringify([word, before]))
      }
    }
  })

  test('of RFC 8463 appendix A', async () => {
    const body = 'Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n'
    assert.equal(await hashOf(body), '2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=')
  })

  test('of RFC 6376 section 3.4.5', async () => {
    assert.equal(await hashOf(' C \r\nD \t E\r\n\r\n\r\n'), sha256(' C\r\nD E\r\n'))
  })

  test('of nothing is that of no bytes', async () => {
    for (const body of ['', '\r\n', '\r\n\r\n', ' ', '\t\r\n \r\n']) assert.equal(await hashOf(body), sha256(''))
  })

  test('takes bare CR and LF for content', async () => {
    assert.equal(await hashOf('a\n\n'), sha256('a\n\n\r\n'))
    assert.equal(await hashOf('a \rb\r'), sha256('a \rb\r\r\n'))
    assert.equal(await hashOf('\n'), sha256('\n\r\n'))
  })

  test('is made once for one content', async () => {
    const body = [Buffer.from('Hello\r\n')]
    assert.equal(bodyHash(body), bodyHash(body))
    assert.equal(await bodyHash(body), sha256('Hello\r\n'))
  })

  test('keeps an ocean of line ends as a number and gives them back', async () => {
    const sea = '\r\n'.repeat(300_000)
    assert.equal(await hashOf(sea), sha256(''))
    assert.equal(await hashOf(`a${sea}`, `${sea}b`), sha256(`a${sea}${sea}b\r\n`))
  })

  test('lets other work in between on a large body', async () => {
    const large = [Buffer.alloc(16 * 1024 * 1024, 'abc \t')]
    let turns = 0
    const ticker = setInterval(() => {
      turns += 1
    }, 1)
    await bodyHash(large)
    clearInterval(ticker)
    assert.ok(turns >= 2, `${turns} turns`)
  })
})
