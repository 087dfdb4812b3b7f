import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { aClient, bytes, projectOf, recipient, sender, sharedDomain } from '../../../test/support/relay-values.ts'
import { readMessage } from '../../mail/message/message.ts'
import type { Client } from '../listen/listen.ts'
import {
  contentToKeep,
  envelopeText,
  factsText,
  type Kept,
  messageAgain,
  ownEnvelope,
  readEnvelope,
  readRecipient,
} from './keep.ts'

const dir = mkdtempSync(join(tmpdir(), 'keep-'))
after(() => rmSync(dir, { recursive: true }))
writeFileSync(join(dir, 'one.key'), 'very secret\n')
const secretly = projectOf(
  sharedDomain.replace(
    'from: { certificate: [one.example] }',
    'from: { addresses: [192.0.2.0/24], secret: { header: X-Key, valueFile: one.key } }',
  ),
  join(dir, 'p.yaml'),
)

const client: Client = {
  ...aClient,
  tls: { protocol: 'TLSv1.3', cipher: 'AES', serverName: 'gw', peerChain: [Buffer.of(1)], resumed: false },
}
const given = {
  client,
  mailFrom: { ...sender('john@one.example'), ret: 'HDRS', envid: 'a+2Bb' },
  peer: { kind: 'tenant', tenant: 'one', proofs: ['certificate', 'secret header'], certificateNames: ['one.example'] },
  pass: { project: 'p', tenant: 'one', direction: 'outside', at: 5 },
  authentication: {
    address: '192.0.2.1',
    spf: { result: 'pass', identity: 'helo', domain: 'a.example', why: '' },
    dkim: [{ result: 'fail', domain: 'd', selector: 's', algorithm: 'a', signature: 'b', why: 'w' }],
    dmarc: { result: 'fail', domain: 'a.example', policy: 'reject', why: '' },
    arc: { result: 'pass', sealer: 'l.example', dmarc: 'pass', why: '' },
  },
  via: 'BDAT',
  arrivedAt: 7,
} as const

function read(text: string): Kept {
  const kept = readEnvelope(text)
  assert.ok(!('why' in kept), JSON.stringify(kept))
  return kept
}

test('an envelope comes back as it was, without the certificate chain', () => {
  const kept = read(envelopeText(given))
  assert.deepEqual({ ...kept, client: undefined }, { ...given, client: undefined })
  assert.deepEqual(kept.client, {
    address: client.address,
    helo: client.helo,
    esmtp: true,
    tls: { protocol: 'TLSv1.3', cipher: 'AES' },
  })
})

test('a message again: whose it was, and the connection that its Received field tells of', () => {
  const project = projectOf(sharedDomain)
  const again = messageAgain(project, read(envelopeText(given)), bytes('From: john@one.example\n\nx\n'))
  assert.ok(again?.admission.peer.kind === 'tenant')
  assert.equal(again.admission.peer.tenant, project.tenants[0])
  assert.deepEqual(again.admission.pass, given.pass)
  assert.equal(again.incoming.client.tls?.cipher, 'AES')
  assert.equal(again.admission.from.kind, 'one')
})

test('a tenant that is gone is told', () => {
  const gone = envelopeText({ ...given, peer: { ...given.peer, tenant: 'three' } })
  assert.equal(messageAgain(projectOf(sharedDomain), read(gone), bytes('\nx\n')), undefined)
})

test('a report of ours is nobody else’s', () => {
  const kept = read(ownEnvelope({ tenant: 'one', now: new Date(3), smtputf8: false }))
  assert.deepEqual(
    [kept.peer, kept.mailFrom.path.kind, kept.arrivedAt],
    [{ kind: 'causeway', tenant: 'one' }, 'null', 3],
  )
  assert.equal(messageAgain(projectOf(sharedDomain), kept, bytes('\nx\n'))?.admission.peer.kind, 'internet')
})

test('recipients come back with what a report needs', () => {
  const one = { ...recipient('john@shared.example'), notify: 'DELAY,FAILURE', orcpt: 'rfc822;j@x.example' }
  assert.deepEqual(readRecipient({ address: one.text, facts: factsText(one) }), one)
  const plain = recipient('john@shared.example')
  assert.deepEqual(readRecipient({ address: plain.text, facts: factsText(plain) }), plain)
})

test('what was damaged is told, whatever it is', () => {
  const whole = envelopeText(given)
  const broken = [
    '',
    'null',
    '{}',
    '[]',
    whole.slice(0, -1),
    whole.replace('"form":1', '"form":2'),
    whole.replace('john@one.example', 'john'),
  ]
  for (const text of [...broken, whole.replace('"secret header"', '"charm"')])
    assert.ok('why' in readEnvelope(text), text)
  for (const facts of ['', '7', '{"notify":1}'])
    assert.ok('why' in readRecipient({ address: 'a@b.example', facts }), facts)
  assert.ok('why' in readRecipient({ address: 'nobody', facts: '{}' }))
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => 'why' in readEnvelope(text)))
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, c) => {
      const kept = readEnvelope(whole.slice(0, at) + c + whole.slice(at + 1))
      return 'why' in kept ? kept.why !== '' : kept.mailFrom.path.kind === 'address'
    }),
  )
})

test('secrets of tenants are not kept; every other byte is', () => {
  const text = 'X-Other: 1\nX-Key: very secret\nx-key : again\nFrom: a@one.example\n\nX-Key: body\n.\n'
  const kept = Buffer.concat(contentToKeep(secretly, readMessage(bytes(text))))
  assert.equal(kept.toString(), 'X-Other: 1\r\nFrom: a@one.example\r\n\r\nX-Key: body\r\n.\r\n')
  for (const plain of ['From: a@one.example\n\nx\n', 'no header at all', '\nonly a body', ''])
    assert.deepEqual(Buffer.concat(contentToKeep(secretly, readMessage(bytes(plain)))), bytes(plain))
})
