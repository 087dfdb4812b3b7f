import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, projectOf, recipient, sender, sharedDomain } from '../../../test/support/relay-values.ts'
import { readMessage } from '../../mail/message/message.ts'
import { decodePart, parts } from '../../mail/mime/mime.ts'
import type { Project } from '../../project/project.ts'
import { readEnvelope, readRecipient } from '../keep/keep.ts'
import { type Fate, type Occasion, reportFor } from './notify.ts'

const shared = projectOf(sharedDomain)
const secret = { header: 'X-Two-Key', value: 'not to be told' }
const project: Project = {
  ...shared,
  tenants: shared.tenants.map((t) => (t.name === 'two' ? { ...t, from: { ...t.from, secret } } : t)),
}
const original = bytes(
  'X-Two-Key: a\nX-Causeway-Pass: b\nX-Causeway\n -Other: c\nReceived: d\nSubject: Hello\nMessage-ID: <m@one.example>\n\nBody\n',
)
const mary: Fate = {
  recipient: recipient('mary@shared.example'),
  rewritten: 'mary@two.example',
  end: 'refused',
  reply: '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient mary@two.example not found',
  spoke: true,
  tenant: 'two',
  remote: 'mx.two.example [192.0.2.7]:25',
  lastAttemptAt: Date.UTC(2026, 0, 2, 3, 4, 6),
}
const bob: Fate = {
  recipient: recipient('bob@x.example'),
  rewritten: 'bob@x.example',
  end: 'refused',
  reply: '550 5.2.2 mailbox full',
  spoke: true,
  remote: 'mx1.x.example [192.0.2.8]:25',
}
const occasion: Occasion = {
  project,
  kind: 'failed',
  id: 'm1',
  kept: {
    mailFrom: sender('john@one.example'),
    peer: { kind: 'tenant', tenant: 'one', proofs: ['certificate'], certificateNames: ['one.example'] },
    arrivedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
  },
  content: original,
  recipients: [mary, bob],
  now: new Date('2026-01-02T03:05:00Z'),
}

const withSender = (more: Partial<Occasion['kept']['mailFrom']>): Occasion => ({
  ...occasion,
  kept: { ...occasion.kept, mailFrom: { ...occasion.kept.mailFrom, ...more } },
})
const asking = (fate: Fate, notify: string): Fate => ({ ...fate, recipient: { ...fate.recipient, notify } })

/** The report as text, its part for programs, and what came back. */
function sent(of: Occasion): { readonly all: string; readonly status: string; readonly returned: string } {
  const content = Buffer.concat(reportFor(of)?.content ?? [])
  const bodies = parts(readMessage(content)).map((part) => decodePart(content, part)?.toString('utf8') ?? '')
  return { all: content.toString('latin1'), status: bodies[1] ?? '', returned: bodies[2] ?? '' }
}
const finals = (of: Occasion): readonly string[] =>
  [...sent(of).status.matchAll(/^Final-Recipient: rfc822;(.*?)\r$/gm)].map(([, address = '']) => address)

test('one report names everybody who did not get it, and goes to the tenant that the message came from', () => {
  const report = reportFor(occasion)
  assert.ok(report)
  assert.deepEqual(finals(occasion), ['mary@shared.example', 'bob@x.example'])
  assert.deepEqual([report.sender, report.peer], ['', 'causeway'])
  const [to, second] = report.recipients
  assert.ok(to && second === undefined)
  assert.deepEqual(
    [to.address, to.domain, to.lane, to.state],
    ['john@one.example', 'one.example', 'tenant:one', 'waiting'],
  )
  const back = readRecipient(to)
  assert.ok('text' in back)
  assert.equal(back.notify, 'NEVER')
  const envelope = readEnvelope(report.envelope)
  assert.ok('peer' in envelope)
  assert.deepEqual(envelope.peer, { kind: 'causeway', tenant: 'one' })
  assert.equal(envelope.mailFrom.path.kind, 'null')
  assert.equal(report.messageId, `<${report.id}@gw.example.net>`)
  assert.equal(report.subject, 'Undeliverable: Hello')
})

const nobody: readonly (readonly [reason: string, of: Occasion])[] = [
  ['the null sender', withSender(sender(''))],
  ['the internet', { ...occasion, kept: { ...occasion.kept, peer: { kind: 'internet', why: '' } } }],
  ['a report of ours', { ...occasion, kept: { ...occasion.kept, peer: { kind: 'causeway', tenant: 'one' } } }],
  ['nobody to tell about', { ...occasion, recipients: [] }],
  ['NOTIFY=NEVER', { ...occasion, recipients: [asking(mary, 'NEVER')] }],
  ['NOTIFY without FAILURE', { ...occasion, recipients: [asking(mary, 'SUCCESS,DELAY')] }],
  ['NOTIFY without DELAY', { ...occasion, kind: 'delayed', recipients: [asking(mary, 'SUCCESS,FAILURE')] }],
]
for (const [reason, of] of nobody) test(`no report: ${reason}`, () => assert.equal(reportFor(of), undefined))

test('NOTIFY is asked of each recipient by itself', () => {
  const recipients = [asking(mary, 'NEVER'), asking(bob, 'SUCCESS,FAILURE')]
  assert.deepEqual(finals({ ...occasion, recipients }), ['bob@x.example'])
  const waiting = [asking(mary, 'DELAY'), asking(bob, 'FAILURE')]
  assert.deepEqual(finals({ ...occasion, kind: 'delayed', recipients: waiting }), ['mary@shared.example'])
})

test('the header comes back, and the message only where RET=FULL asked and somebody did not get it', () => {
  const header = 'Received: d\r\nSubject: Hello\r\nMessage-ID: <m@one.example>\r\n'
  assert.equal(sent(occasion).returned, header)
  assert.equal(sent(withSender({ ret: 'HDRS' })).returned, header)
  assert.equal(sent(withSender({ ret: 'FULL' })).returned, `${header}\r\nBody\r\n`)
  assert.equal(sent({ ...withSender({ ret: 'FULL' }), kind: 'delayed' }).returned, header)
})

test('neither an internal address nor a host of the other tenant is shown', () => {
  const words = [
    mary.reply,
    "550 5.1.1 <MARY@two.example>: 'mary@two.example' (to=mary@two.example, orcpt=ann@two.example) mailto:mary@two.example",
    '550 5.7.1 ask postmaster@two.example or x@sub.two.example at https://help.two.example/ of two.example',
    '550 5.7.1 mx.two.example [192.0.2.7] said no to MX.TWO.EXAMPLE.',
  ]
  for (const reply of words) {
    const { all } = sent({ ...occasion, recipients: [{ ...mary, reply }] })
    assert.ok(!/two\.example|192\.0\.2\.7/i.test(all), all)
    assert.ok(all.includes('mary@shared.example'))
    assert.ok(!all.includes('Remote-MTA'))
  }
})

test("what the sender wrote stays, and so do his own tenant's names and served domains; other hosts do not come out", () => {
  const reply = (host: string): string =>
    `550 5.1.1 mary@two.example and bob@x.example: mx.one.example, peter@one.example, ${host}, shared.example`
  const wrote = { ...mary, recipient: recipient('mary@two.example'), reply: reply('mx9.x.example') }
  const { status } = sent({ ...occasion, recipients: [wrote] })
  assert.ok(status.replaceAll('\r\n ', ' ').includes(reply('[server]')), status)
  // Of the outside itself they are no secret.
  const outside = sent({ ...occasion, recipients: [{ ...bob, reply: '550 5.7.1 ask mx9.x.example' }] })
  assert.match(outside.status, /ask mx9\.x\.example/)
})

test('a host of the outside is named; words of our own are told apart from those of a server', () => {
  const { status } = sent({ ...occasion, recipients: [bob] })
  assert.match(status, /^Remote-MTA: dns;mx1\.x\.example\r$/m)
  assert.match(status, /^Diagnostic-Code: smtp; 550 5\.2\.2 mailbox full\r$/m)
  const noServer = '550 5.1.2 no server takes mail for x.example'
  const unreached: Fate = { ...bob, reply: noServer, spoke: false, remote: 'x.example:25' }
  const alone = sent({ ...occasion, recipients: [unreached] })
  assert.match(alone.status, /^Diagnostic-Code: x-causeway; 550 5\.1\.2 no server/m)
  assert.ok(!alone.status.includes('Remote-MTA'))
  const notAsked: Fate = { ...bob, reply: '550 5.1.1 no such recipient here', remote: '', spoke: false }
  assert.match(sent({ ...occasion, recipients: [notAsked] }).all, /Our server said: 550 5\.1\.1 no such/)
})

test('a server that was dialled and never spoke is not quoted, whatever it is that becomes of the message', () => {
  const reply = '451 4.4.1 no connection to the next server'
  const tries = [
    ['failed', { end: 'expired' }],
    ['delayed', { end: 'expired' }],
    ['failed', { end: 'refused', reply: '550 5.7.1 relaying is denied' }],
    ['failed', { end: 'refused', reply: '550 5.9.9 x' }],
  ] as const
  for (const remote of ['', 'mx1.x.example:25', 'mx1.x.example [192.0.2.8]:25'])
    for (const [kind, more] of tries) {
      const { all, status } = sent({
        ...occasion,
        kind,
        recipients: [{ ...bob, reply, spoke: false, remote, ...more }],
      })
      assert.match(status, /^Diagnostic-Code: x-causeway; [45]5/m)
      assert.doesNotMatch(
        all,
        /Remote-MTA|mx1\.x\.example|(?:other|\.example) (?:server )?said|rules of the other|server refused/,
      )
    }
})

const statuses: readonly (readonly [kind: Occasion['kind'], end: Fate['end'], reply: string, status: string])[] = [
  ['failed', 'refused', '550 5.7.64 x', '5.7.64'],
  ['failed', 'refused', '550 x', '5.0.0'],
  ['failed', 'refused', '', '5.0.0'],
  ['failed', 'expired', '451 4.3.2 x', '4.4.7'],
  ['failed', 'returned', '', '5.0.0'],
  ['delayed', 'refused', '451 4.3.2 x', '4.3.2'],
  ['delayed', 'refused', '550 5.7.64 x', '4.7.64'],
  ['delayed', 'refused', '', '4.0.0'],
]
for (const [kind, end, reply, status] of statuses) {
  test(`status: ${kind}, ${end}, "${reply}" is ${status}`, () => {
    const text = sent({ ...occasion, kind, recipients: [{ ...mary, end, reply }] }).status
    assert.match(text, new RegExp(`^Status: ${status.replaceAll('.', String.raw`\.`)}\\r$`, 'm'))
  })
}

test('ENVID and ORCPT come back without their xtext', () => {
  const fate = { ...mary, recipient: { ...mary.recipient, orcpt: 'rfc822;m+2Bx@y.example' } }
  const { status } = sent({ ...withSender({ envid: 'QQ+2B1+0D+0A' }), recipients: [fate] })
  assert.ok(!status.includes('Original-Envelope-Id'), 'one that was never printable')
  assert.match(status, /^Original-Recipient: rfc822;m\+x@y\.example\r$/m)
  assert.match(sent(withSender({ envid: 'QQ+2B1' })).status, /^Original-Envelope-Id: QQ\+1\r$/m)
})

test('a report about thousands of recipients names each, and nobody else', () => {
  const recipients = Array.from({ length: 5000 }, (_, i) => ({
    ...mary,
    recipient: recipient(`m${i}@shared.example`),
    rewritten: `m${i}@two.example`,
    reply: `550 5.1.1 m${i}@two.example unknown`,
  }))
  const { status } = sent({ ...occasion, recipients })
  assert.equal(status.match(/^Final-Recipient/gm)?.length, 5000)
  assert.ok(!status.includes('two.example'))
})
