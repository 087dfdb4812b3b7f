import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Incoming, type Listener, listen } from '../relay/listen/listen.ts'
import { type Lab, startLab } from './lab.ts'
import { addressesIn, fieldText, textOf } from './letter/letter.ts'

const ann = { name: 'Ann Ämter', address: 'ann@one.example' }
const ben = { name: 'Ben', address: 'ben@one.example' }
const cat = { name: 'Cat', address: 'cat@two.example' }
const pat = { name: 'Pat', address: 'pat@partner.example' }
const secret = { header: 'X-Key', value: 'open sesame' }

describe('a lab around something that takes mail', () => {
  let lab: Lab
  let gateway: Listener
  const taken: Incoming[] = []

  before(async () => {
    lab = await startLab({
      gatewayHost: 'gw.lab.example',
      tenants: [
        {
          name: 'one',
          domains: ['one.example'],
          people: [{ person: ann, proxies: ['a@one.example'] }, { person: ben }],
          redirected: ['gone@one.example'],
          secret,
          organisation: { header: 'X-OriginatorOrg', value: 'tenant.example' },
        },
        { name: 'two', domains: ['two.example'], people: [{ person: cat }] },
      ],
      outside: { hostname: 'mx.partner.example', domains: ['partner.example'], people: [{ person: pat }] },
    })
    gateway = await listen({
      hostname: 'gw.lab.example',
      addresses: [{ host: '127.0.0.1', port: 0 }],
      secureContext: () => lab.gatewayIdentity,
      backend: {
        mail: () => undefined,
        rcpt: () => undefined,
        message(incoming) {
          taken.push(incoming)
          return { code: 250, enhanced: '2.0.0', text: 'taken' }
        },
      },
    })
    lab.connectGateway(gateway.addresses[0] ?? { host: '', port: 0 })
  })
  after(async () => {
    await lab.close()
    await lab.close()
    await gateway.drain(100)
  })

  const one = () => lab.tenant('one')

  test('inside a tenant mail stays inside, unchanged', async () => {
    const sent = await one()
      .user(ann.address)
      .write({ to: [ben], subject: 'Grüße', text: 'Hallo Ben' })
    const [got] = one().user(ben.address).mailbox.messages
    assert.ok(got)
    assert.equal(textOf(got.raw), 'Hallo Ben')
    assert.match(fieldText(got.raw, 'from'), /^=\?utf-8\?B\?.*\?= <ann@one\.example>$/)
    assert.ok(got.raw.includes(sent.raw))
    assert.equal(taken.length, 0)
  })

  test('outside mail goes to the gateway, with certificate and secret', async () => {
    const sent = await one()
      .user(ann.address)
      .write({ to: [pat], cc: [ben], subject: 'Out', text: 'x' })
    assert.deepEqual(
      sent.results.map((result) => result.kind),
      ['delivered', 'delivered'],
    )
    const got = taken.at(-1)
    assert.deepEqual(
      got?.recipients.map((r) => r.text),
      [pat.address],
    )
    assert.equal(fieldText(got?.raw ?? Buffer.alloc(0), 'x-key'), secret.value)
    assert.equal(fieldText(got?.raw ?? Buffer.alloc(0), 'x-originatororg'), 'tenant.example')
    assert.equal(got?.client.address, '127.0.0.11')
    assert.equal(got?.client.tls?.serverName, 'gw.lab.example')
    assert.ok((got?.client.tls?.peerChain.length ?? 0) > 0)
  })

  test('what was at the gateway is not sent there again', async () => {
    const sofar = taken.length
    const raw = Buffer.from(
      `X-Causeway-Pass: x\r\nFrom: ${ann.address}\r\nTo: ${pat.address}\r\nMessage-ID: <back@one>\r\n\r\nx\r\n`,
    )
    const hop = { host: one().hostname, port: one().port, tls: 'opportunistic', serverName: one().hostname } as const
    const identity = lab.tenants[0]?.gatewayIdentity
    assert.ok(identity)
    const [sent] = await lab.outside.handTo(
      { ...hop, identity },
      { mailFrom: 'anything@shared.example', recipients: [pat.address], raw },
    )
    assert.equal(sent?.reply, '250 2.6.0 <back@one> Queued mail for delivery')
    await one().settled()
    const leg = one().legs.find((each) => each.messageId === '<back@one>')
    assert.equal(leg?.way, 'internet')
    assert.match(leg?.attribution ?? '', /certificate is for one\.example/)
    assert.equal(taken.length, sofar)
  })

  test('mail for somebody whose mailbox is elsewhere is handed to the gateway; for nobody it is refused', async () => {
    const outside = lab.outside.user(pat.address)
    const sent = await outside.write({
      to: [
        { name: '', address: 'gone@one.example' },
        { name: '', address: 'nobody@one.example' },
      ],
      subject: 'x',
      text: 'x',
    })
    await one().settled()
    assert.deepEqual(
      sent.results.map((result) => result.reply.slice(0, 9)),
      ['250 2.6.0', '550 5.4.1'],
    )
    assert.deepEqual(
      taken.at(-1)?.recipients.map((r) => r.text),
      ['gone@one.example'],
    )
  })

  test('an answer goes to Reply-To before From, and to all others when it is to all', async () => {
    const stored = {
      mailFrom: 'x@y.example',
      recipient: ann.address,
      raw: Buffer.from(
        'From: x@y.example\r\nReply-To: ben@one.example\r\nTo: A@one.example, cat@two.example\r\nMessage-ID: <q@y>\r\nSubject: Q\r\n\r\nx\r\n',
      ),
    }
    const sent = await one().user(ann.address).answer(stored, 'Yes', { toAll: true })
    assert.deepEqual(addressesIn(sent.raw, 'to'), ['ben@one.example'])
    assert.deepEqual(addressesIn(sent.raw, 'cc'), ['cat@two.example'])
    assert.equal(fieldText(sent.raw, 'in-reply-to'), '<q@y>')
    assert.equal(fieldText(sent.raw, 'subject'), 'RE: Q')
  })

  test('nobody waits longer than asked', async () => {
    assert.equal(
      await one()
        .user(ben.address)
        .mailbox.waitFor(() => false, 20),
      undefined,
    )
  })
})
