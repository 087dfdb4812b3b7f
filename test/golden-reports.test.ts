// What senders are told: for each case below, the whole report stands in test/golden-reports/NAME.eml, to the byte. What is new
// each time, boundary and Message-ID, is replaced by a word. `UPDATE_GOLDEN=1 npm test -- test/golden-reports.test.ts` writes
// them anew: read the difference as somebody who is waiting for an answer would (test/golden-reports/README.md).

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Fate, type Occasion, reportFor } from '../src/relay/notify/notify.ts'
import { judgedByPython, readByPostalMime } from './support/judge-reports.ts'
import { projectOf, recipient, sender, sharedDomain } from './support/relay-values.ts'

const folder = join(import.meta.dirname, 'golden-reports')
const isUpdate = process.env['UPDATE_GOLDEN'] !== undefined
const letter = `Received: from desk (desk.one.example [192.0.2.50]) by mail.one.example; Fri, 2 Jan 2026 03:04:04 +0000
From: John Smith <john@one.example>
To: Mary <mary@shared.example>
Subject: Lunch on Friday
Date: Fri, 2 Jan 2026 03:04:03 +0000
Message-ID: <letter-1@one.example>

Shall we meet at noon?
`
const crlf = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'), 'utf8')

const mary: Fate = {
  recipient: recipient('mary@shared.example'),
  rewritten: 'mary@two.example',
  end: 'refused',
  reply:
    '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient mary@two.example not found by SMTP address lookup [AM0EUR02FT012.eop-EUR02.prod.protection.outlook.com]',
  spoke: true,
  tenant: 'two',
  remote: 'mx.two.example [192.0.2.7]:25',
  lastAttemptAt: Date.UTC(2026, 0, 2, 3, 4, 6),
}
const bob: Fate = {
  recipient: recipient('bob@customer.example'),
  rewritten: 'bob@customer.example',
  end: 'refused',
  reply: '552 5.2.2 The mailbox is over its limit',
  spoke: true,
  remote: 'mx1.customer.example [192.0.2.8]:25',
  lastAttemptAt: Date.UTC(2026, 0, 2, 3, 4, 7),
}
const busy = { reply: '451 4.3.2 mx.two.example is busy, try again later', end: 'expired' } as const

type Case = Partial<Occasion> & { readonly letter?: string; readonly from?: Partial<Occasion['kept']['mailFrom']> }

const cases: { readonly [name: string]: Case } = {
  '01-not-found-in-the-other-tenant': { recipients: [mary] },
  '02-two-recipients-inside-and-outside': { recipients: [mary, bob] },
  '03-whole-message-with-envid-and-orcpt': {
    from: { ret: 'FULL', envid: 'QQ314159' },
    recipients: [{ ...bob, recipient: { ...bob.recipient, orcpt: 'rfc822;Bob+2BSales@customer.example' } }],
  },
  '04-delayed': {
    kind: 'delayed',
    recipients: [{ ...mary, ...busy }],
    now: new Date('2026-01-02T07:04:05Z'),
    giveUpAt: new Date('2026-01-04T03:04:05Z'),
  },
  '05-given-up': { recipients: [{ ...mary, ...busy }], now: new Date('2026-01-04T03:05:00Z') },
  '06-returned-by-an-operator': {
    recipients: [{ recipient: mary.recipient, rewritten: mary.rewritten, end: 'returned', reply: '', spoke: false }],
  },
  '07-nobody-takes-mail-there': {
    recipients: [
      {
        ...bob,
        reply: '550 5.1.2 no server takes mail for customer.example',
        spoke: false,
        remote: 'customer.example:25',
      },
    ],
  },
  '08-recipient-beyond-ascii': { recipients: [{ ...bob, recipient: recipient('jörg@customer.example') }] },
  '09-sender-beyond-ascii': {
    from: sender('jürgen@one.example'),
    recipients: [{ ...bob, recipient: recipient('jörg@customer.example') }],
    letter: letter.replace('John Smith <john@one.example>', 'Jürgen <jürgen@one.example>'),
  },
  '10-subject-in-encoded-words': {
    recipients: [bob],
    letter: letter.replace('Lunch on Friday', '=?iso-8859-1?Q?Mittagessen_f=FCr?= =?utf-8?B?IHp3w7ZsZg==?='),
  },
  '11-a-letter-that-wants-to-break-out': {
    recipients: [{ ...bob, reply: '550 5.7.1 \\x0d\\x0aBcc: everybody <script> \u202e .txt' }],
    letter: letter
      .replace('Lunch on Friday', '=?utf-8?Q?=0D=0ABcc:_x@y.example=0D=0A=E2=80=AEgpj?=')
      .replace('<letter-1@one.example>', '<a b>'),
  },
  '12-eight-bit-letter-comes-back': {
    from: { ret: 'FULL', body: '8BITMIME' },
    recipients: [bob],
    letter: letter.replace('noon', 'zwölf'),
  },
  '13-own-address-of-the-other-tenant-was-written': {
    recipients: [{ ...mary, recipient: recipient('mary@two.example') }],
  },
  '14-handed-to-servers-without-dsn': {
    kind: 'relayed',
    recipients: [
      { ...mary, reply: '250 2.6.0 <letter-1@one.example> mx.two.example queued it for mary@two.example' },
      { ...bob, reply: '250 ok' },
    ].map((fate) => ({ ...fate, recipient: { ...fate.recipient, notify: 'SUCCESS' } })),
  },
  '15-dialled-and-nobody-spoke': {
    recipients: [{ ...bob, reply: '451 4.4.1 no connection to the next server', spoke: false, end: 'expired' }],
    now: new Date('2026-01-04T03:05:00Z'),
  },
}

const project = projectOf(sharedDomain)
const peer = { kind: 'tenant', tenant: 'one', proofs: ['certificate'], certificateNames: ['one.example'] } as const

function reportOf({ letter: text = letter, from = {}, ...more }: Case): Buffer {
  const report = reportFor({
    project,
    kind: 'failed',
    id: 'm1',
    kept: { mailFrom: { ...sender('john@one.example'), ...from }, peer, arrivedAt: Date.UTC(2026, 0, 2, 3, 4, 5) },
    content: crlf(text),
    recipients: [mary],
    now: new Date('2026-01-02T03:05:00Z'),
    ...more,
  })
  return Buffer.concat(report?.content ?? [])
}

for (const [name, of] of Object.entries(cases)) {
  test(`golden report ${name}`, async () => {
    const report = reportOf(of)
    const path = join(folder, `${name}.eml`)
    const text = withoutVolatile(report.toString('latin1'))
    if (isUpdate) writeFileSync(path, text, 'latin1')
    assert.equal(text, readFileSync(path, 'latin1'))
    await judged(report, of)
  })
}

/** By code that is not ours. */
async function judged(report: Buffer, { recipients = [mary] }: Case): Promise<void> {
  const [verdict] = judgedByPython([report])
  assert.ok(verdict)
  assert.deepEqual([verdict.type, verdict.reportType, verdict.defects], ['multipart/report', 'delivery-status', []])
  const finals = verdict.blocks.flat().filter(([field]) => field === 'Final-Recipient')
  assert.equal(finals.length, recipients.length)
  assert.equal(verdict.blocks.length, recipients.length + 1)
  const seen = await readByPostalMime(report)
  assert.equal(seen.subject, verdict.subject)
  for (const fate of recipients) {
    assert.ok(verdict.text.includes(fate.recipient.text), verdict.text)
    assert.ok(seen.text.includes(fate.recipient.text))
  }
}

function withoutVolatile(report: string): string {
  const boundary = /boundary="([^"]+)"/.exec(report)?.[1] ?? ''
  return report.replaceAll(boundary, '(boundary)').replace(/(?<=\r\nMessage-ID: <)[^@]+(?=@)/, '(id)')
}
