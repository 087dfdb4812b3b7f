import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import type { NextHop } from '../../project/project.ts'
import { asIdentity, issue, makeCa } from '../certificates/certificates.ts'
import { type DnsServer, startDns } from '../dns-server/dns-server.ts'
import { fieldText, writeLetter } from '../letter/letter.ts'
import { makePost, type Ports, type Post } from '../post/post.ts'
import { recipientReply } from './recipients.ts'
import { type SimulatedTenant, startTenant } from './tenant.ts'

const ca = makeCa({ name: 'Lab root' })
const hostname = 'contoso-example.mail.protection.example'
const john = { name: 'John Smith', address: 'john@contoso.example' }
const ports: Ports = new Map()

describe('the border of a simulated tenant', () => {
  let dns: DnsServer
  let tenant: SimulatedTenant
  let hop: NextHop
  const posts: Post[] = []

  before(async () => {
    dns = await startDns()
    dns.addZone('')
    dns.add({ name: hostname, type: 'A', address: '127.0.0.31' })
    tenant = await startTenant({
      name: 'contoso',
      hostname,
      address: '127.0.0.31',
      domains: ['contoso.example', 'gw-contoso.example'],
      connectors: [
        { name: 'by certificate', certificate: 'gw-contoso.example' },
        { name: 'not ours', certificate: 'elsewhere.example' },
        { name: 'by address', addresses: ['127.0.0.32'] },
      ],
      people: [{ person: john, proxies: ['js@contoso.example'] }],
      identity: { server: asIdentity(issue({ ca, names: [hostname] })) },
      roots: [ca.cert],
      dnsServer: dns.address,
      ports,
    })
    hop = { host: hostname, port: tenant.port, tls: 'required', serverName: hostname, ca: Buffer.from(ca.cert) }
  })
  after(async () => {
    await Promise.all(posts.map((post) => post.close()))
    await tenant.close()
    await dns.close()
  })

  type Sender = {
    readonly address?: string
    readonly certificate?: string
    readonly by?: ReturnType<typeof makeCa>
    readonly hostname?: string
  }

  async function say(from: string, to: readonly string[], o: Sender = {}): Promise<readonly string[]> {
    const identity =
      o.certificate === undefined ? {} : { identity: asIdentity(issue({ ca: o.by ?? ca, names: [o.certificate] })) }
    const post = makePost({
      hostname: o.hostname ?? 'client.example',
      address: o.address ?? '127.0.0.33',
      dnsServer: dns.address,
      ports,
    })
    posts.push(post)
    const { raw } = writeLetter({
      from: { name: 'X', address: 'someone@contoso.example' },
      to: [],
      subject: 'x',
      text: 'x',
    })
    const sent = await post.send({ mailFrom: from, recipients: to, raw }, { ...hop, ...identity })
    return sent.map((each) => each.reply.split(' ').slice(0, 2).join(' '))
  }

  test('a stranger reaches a mailbox by any of its addresses, and nobody else', async () => {
    assert.deepEqual(
      await say('a@partner.example', ['john@contoso.example', 'JS@Contoso.example', 'john+news@contoso.example']),
      ['250 2.6.0', '250 2.6.0', '250 2.6.0'],
    )
    assert.deepEqual(await say('a@partner.example', ['nobody@contoso.example']), ['550 5.4.1'])
    assert.deepEqual(await say('a@partner.example', ['b@partner.example']), ['550 5.7.64'])
    assert.ok(tenant.user('john@contoso.example').mailbox.messages.length >= 3)
  })

  test('a connection that calls itself by the name of the border', async () => {
    assert.deepEqual(await say('a@partner.example', ['john@contoso.example'], { hostname }), ['550 5.7.506'])
  })

  const relay = async (from: string, o: Sender) => {
    const post = makePost({ hostname: 'gw.example', address: o.address ?? '127.0.0.33', dnsServer: dns.address, ports })
    posts.push(post)
    const identity =
      o.certificate === undefined ? {} : { identity: asIdentity(issue({ ca: o.by ?? ca, names: [o.certificate] })) }
    const { raw } = writeLetter({
      from: { name: 'X', address: 'anyone@shared.example' },
      to: [],
      subject: 'x',
      text: 'x',
    })
    const [sent] = await post.send(
      { mailFrom: from, recipients: ['pat@nowhere.example'], raw },
      { ...hop, ...identity },
    )
    return sent?.reply ?? ''
  }

  test('the relay rule: certificate of an accepted domain, whatever MAIL FROM says', async () => {
    assert.match(await relay('john@shared.example', { certificate: 'gw-contoso.example' }), /^250 2\.6\.0/)
    assert.match(await relay('', { certificate: 'gw-contoso.example' }), /^250 2\.6\.0/)
  })

  test('the relay rule: a connector matches, but neither certificate nor MAIL FROM is an accepted domain', async () => {
    const reply = '550 5.7.64 TenantAttribution; Relay Access Denied ATTR36'
    assert.equal(await relay('john@shared.example', { certificate: 'elsewhere.example' }), reply)
    assert.equal(await relay('john@shared.example', { address: '127.0.0.32' }), reply)
    assert.equal(await relay('', { address: '127.0.0.32' }), reply)
    assert.match(await relay('john@contoso.example', { address: '127.0.0.32' }), /^250/)
  })

  test('the relay rule: no connector matches', async () => {
    const reply = '550 5.7.64 TenantAttribution; Relay Access Denied'
    assert.equal(await relay('john@contoso.example', {}), reply)
    assert.equal(
      await relay('john@contoso.example', { certificate: 'gw-contoso.example', by: makeCa({ name: 'Lab root' }) }),
      reply,
    )
  })

  test('an unknown recipient is 5.1.10 to a connector', async () => {
    assert.deepEqual(
      await say('john@contoso.example', ['nobody@contoso.example'], { certificate: 'gw-contoso.example' }),
      ['550 5.1.10'],
    )
  })

  test('the 201st recipient of one domain belongs into another transaction', () => {
    const directory = {
      domains: ['contoso.example'],
      hasMailbox: () => true,
      isRedirected: () => false,
      blocksUnknown: true,
    }
    const sofar = Array.from({ length: 200 }, (_, i) => `u${i}@contoso.example`)
    const reply = (address: string) => recipientReply(directory, { kind: 'incoming' }, address, sofar)
    assert.equal(reply('one@Contoso.example')?.enhanced, '4.5.3')
    assert.equal(reply('one@other.example'), undefined)
  })

  test('two authors, no author, and a message that goes round', async () => {
    const post = makePost({ hostname: 'client.example', address: '127.0.0.33', dnsServer: dns.address, ports })
    posts.push(post)
    const send = async (header: string) => {
      const raw = Buffer.from(`${header}Subject: x\r\n\r\nx\r\n`)
      const [sent] = await post.send({ mailFrom: 'a@partner.example', recipients: ['john@contoso.example'], raw }, hop)
      return sent?.reply.slice(0, 10).trim()
    }
    assert.equal(await send('From: a@x.example\r\nFrom: b@x.example\r\n'), '550 5.1.20')
    assert.equal(await send('From: a@x.example, b@x.example\r\n'), '550 5.1.20')
    assert.equal(await send('To: a@x.example\r\n'), '550 5.7.512'.slice(0, 10))
    assert.equal(
      await send(
        `${`Received: from a by ${hostname} with ESMTP;\r\n Mon, 1 Jan 2026 00:00:00 +0000\r\n`.repeat(20)}From: a@x.example\r\n`,
      ),
      '554 5.4.14',
    )
  })

  test('a bare line feed in DATA', async () => {
    const socket = connect({ host: '127.0.0.31', port: tenant.port })
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    const reply = async (): Promise<string> => {
      for (;;) {
        const { value } = await lines.next()
        if (value === undefined || /^\d{3} /.test(value)) return value ?? 'closed'
      }
    }
    await reply()
    const start = ['EHLO client.example', 'MAIL FROM:<a@partner.example>', 'RCPT TO:<john@contoso.example>', 'DATA']
    for (const command of start) {
      socket.write(`${command}\r\n`)
      await reply()
    }
    socket.write('From: a@partner.example\r\n\r\none\ntwo\r\n.\r\n')
    assert.match(await reply(), /^550 5\.6\.11 /)
    socket.destroy()
  })

  test('the header firewall', async () => {
    const post = makePost({ hostname: 'client.example', address: '127.0.0.33', dnsServer: dns.address, ports })
    posts.push(post)
    const raw = Buffer.from(
      'From: a@x.example\r\nX-MS-Exchange-Organization-SCL: -1\r\nMessage-ID: <firewall@x>\r\n\r\nx\r\n',
    )
    await post.send({ mailFrom: 'a@partner.example', recipients: ['john@contoso.example'], raw }, hop)
    const found = await tenant
      .user(john.address)
      .mailbox.waitFor((m) => fieldText(m.raw, 'message-id') === '<firewall@x>', 1000)
    assert.ok(found)
    assert.equal(fieldText(found.raw, 'x-ms-exchange-organization-scl'), '')
    assert.match(fieldText(found.raw, 'received'), /^from client\.example \(127\.0\.0\.33\) by contoso-example/)
  })
})
