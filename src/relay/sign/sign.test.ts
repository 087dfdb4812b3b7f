import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, verify } from 'node:crypto'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { parseHeader } from '../../mail/header/header.ts'
import { relaxedField } from './canonical-header.ts'
import { fieldsToSign } from './fields-to-sign.ts'
import { type Signer, sign } from './sign.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const ed25519 = generateKeyPairSync('ed25519')
const now = new Date('2026-11-23T10:00:00.900Z')
const header = parseHeader('From: john@shared.example\r\nSubject: Hello\r\n')
const body = [Buffer.from('Hello\r\n')]

const byRsa: Signer = { domain: 'shared.example', selector: 'cw1', algorithm: 'rsa-sha256', key: rsa }
const byEd25519: Signer = {
  domain: 'shared.example',
  selector: 'cw2',
  algorithm: 'ed25519-sha256',
  key: ed25519.privateKey,
}

async function signedBy(signer: Signer): Promise<string> {
  const [field = ''] = await sign(header, body, [signer], now)
  return field
}

function tag(field: string, name: string): string | undefined {
  const tags = field.slice(field.indexOf(':') + 1).replace(/\s+/g, '')
  return tags
    .split(';')
    .find((text) => text.startsWith(`${name}=`))
    ?.slice(name.length + 1)
}

describe('the signature field', () => {
  test('is folded at 78 columns and ends with one CRLF', async () => {
    for (const field of await sign(header, body, [byRsa, byEd25519], now)) {
      const lines = field.split('\r\n')
      assert.equal(lines.pop(), '')
      assert.ok(
        lines.every((line) => line.length <= 78),
        field,
      )
      assert.ok(
        lines.slice(1).every((line) => /^ \S/.test(line)),
        field,
      )
    }
  })

  test('says who, how and when', async () => {
    const field = await signedBy({ ...byRsa, domain: 'Bücher.Example.' })
    assert.equal(tag(field, 'd'), 'xn--bcher-kva.example')
    assert.equal(tag(field, 's'), 'cw1')
    assert.equal(tag(field, 'c'), 'relaxed/relaxed')
    assert.equal(tag(field, 't'), '1795428000')
    assert.equal(tag(field, 'x'), String(1_795_428_000 + 7 * 86_400))
    assert.equal(tag(field, 'l'), undefined)
    assert.equal(tag(await signedBy({ ...byRsa, lifetimeDays: 0 }), 'x'), undefined)
  })

  test('of several signers, in their order, over the same body hash', async () => {
    const fields = await sign(header, body, [byEd25519, byRsa], now)
    assert.deepEqual(
      fields.map((field) => tag(field, 'a')),
      ['ed25519-sha256', 'rsa-sha256'],
    )
    assert.equal(new Set(fields.map((field) => tag(field, 'bh'))).size, 1)
    assert.deepEqual(await sign(header, body, [], now), [])
  })

  test('is rejected when the key does not fit the algorithm', async () => {
    await assert.rejects(sign(header, body, [{ ...byRsa, key: ed25519.privateKey }], now))
  })

  test('signs the hash with Ed25519 (RFC 8463)', async () => {
    const field = await signedBy(byEd25519)
    const unsigned = field.slice(0, field.indexOf(' b=') + 3)
    const text = `from:john@shared.example\r\nsubject:Hello\r\n${relaxedField(unsigned)}`
    const digest = createHash('sha256').update(text, 'latin1').digest()
    assert.ok(verify(null, digest, ed25519.publicKey, Buffer.from(tag(field, 'b') ?? '', 'base64')))
  })
})

describe('what is signed', () => {
  test('each field once more than it occurs, the lowest first', () => {
    const { names, fields } = fieldsToSign(
      parseHeader('To: 1\r\nFrom: a\r\nTo: 2\r\nX-Y: no\r\nReceived: no\r\nList-Id: l\r\n'),
    )
    assert.deepEqual(names.slice(0, 5), ['From', 'From', 'To', 'To', 'To'])
    assert.deepEqual(
      fields.map((field) => field.raw),
      ['From: a\r\n', 'To: 2\r\n', 'To: 1\r\n', 'List-Id: l\r\n'],
    )
    assert.equal(names.filter((name) => name === 'List-Id').length, 1)
    assert.equal(names.filter((name) => name === 'Reply-To').length, 1)
  })

  test('never a trace field or a signature', () => {
    const trace = [
      'Received',
      'Return-Path',
      'Authentication-Results',
      'ARC-Seal',
      'DKIM-Signature',
      'X-Causeway-Pass',
      'Bcc',
    ]
    const { names, fields } = fieldsToSign(parseHeader(trace.map((name) => `${name}: x\r\n`).join('')))
    assert.equal(fields.length, 0)
    assert.ok(trace.every((name) => !names.includes(name)))
  })
})

describe('a field in relaxed form', () => {
  const examples: readonly (readonly [raw: string, relaxed: string])[] = [
    // RFC 6376 section 3.4.5
    ['A: X\r\n', 'a:X'],
    ['B : Y\t\r\n\tZ  \r\n', 'b:Y Z'],
    ['Subject:\r\n', 'subject:'],
    ['Subject: \t \r\n', 'subject:'],
    ['SUBJECT:a:b\r\n', 'subject:a:b'],
    ['X: \x0bform\x0c feed\xa0\r\n', 'x:\x0bform\x0c feed\xa0'],
    ['X: a\rb\nc\r\n', 'x:a\rb\nc'],
    ['X: \xfc \xc3\xbc\r\n', 'x:\xfc \xc3\xbc'],
  ]
  for (const [raw, relaxed] of examples) {
    test(JSON.stringify(raw), () => assert.equal(relaxedField(raw), relaxed))
  }

  test('stays as it is when made again', () => {
    const text = fc.string({ unit: fc.constantFrom(' ', '\t', '\r\n ', 'a', ':', 'Ü', '\r') })
    fc.assert(
      fc.property(text, (value) => {
        const once = relaxedField(`X:${value}\r\n`)
        assert.equal(relaxedField(`${once}\r\n`), once)
      }),
    )
  })
})

test('any header and body get a signature', () =>
  fc.assert(
    fc.asyncProperty(fc.string(), fc.uint8Array(), async (text, bytes) => {
      const made = await sign(parseHeader(text), [Buffer.from(bytes)], [byEd25519], now)
      assert.equal(made.length, 1)
    }),
  ))
