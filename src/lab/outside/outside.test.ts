import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { dkimSign } from 'mailauth'
import { asIdentity, issue, makeCa } from '../certificates/certificates.ts'
import { type DnsServer, startDns } from '../dns-server/dns-server.ts'
import { writeLetter } from '../letter/letter.ts'
import { makePost, type Ports, type Post } from '../post/post.ts'
import { type Judged, type Outside, startOutside } from './outside.ts'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pat = { name: 'Pat Partner', address: 'pat@partner.example' }

describe('the outside world judges what it gets', () => {
  let dns: DnsServer
  let outside: Outside
  let sender: Post
  before(async () => {
    dns = await startDns()
    dns.addZone('')
    dns.add(
      { name: 'mx.partner.example', type: 'A', address: '127.0.0.41' },
      { name: 'partner.example', type: 'MX', exchange: 'mx.partner.example', preference: 10 },
      { name: 'shared.example', type: 'TXT', text: 'v=spf1 ip4:127.0.0.42 -all' },
      { name: '_dmarc.shared.example', type: 'TXT', text: 'v=DMARC1; p=reject; adkim=s' },
      {
        name: 's1._domainkey.shared.example',
        type: 'TXT',
        text: `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`,
      },
    )
    const ports: Ports = new Map()
    const server = asIdentity(issue({ ca: makeCa(), names: ['mx.partner.example'] }))
    outside = await startOutside({
      hostname: 'mx.partner.example',
      address: '127.0.0.41',
      domains: ['partner.example'],
      people: [{ person: pat }],
      server,
      dnsServer: dns.address,
      ports,
    })
    sender = makePost({ hostname: 'out.shared.example', address: '127.0.0.42', dnsServer: dns.address, ports })
  })
  after(async () => {
    await sender.close()
    await outside.close()
    await dns.close()
  })

  const letter = () =>
    writeLetter({ from: { name: 'John', address: 'john@shared.example' }, to: [pat], subject: 'Hello', text: 'Hello' })
      .raw

  async function signed(raw: Buffer): Promise<Buffer> {
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const how = { signingDomain: 'shared.example', selector: 's1', privateKey: key }
    const { signatures } = await dkimSign(raw, { ...how, signatureData: [how] })
    return Buffer.concat([Buffer.from(signatures), raw])
  }

  async function send(
    raw: Buffer,
    mailFrom: string,
  ): Promise<{ readonly reply: string; readonly got: Judged | undefined }> {
    const [sent] = await sender.send({ mailFrom, recipients: [pat.address], raw })
    return { reply: sent?.reply ?? '', got: outside.user(pat.address).mailbox.messages.at(-1) }
  }

  test('signed, from an address of the domain: everything passes', async () => {
    const { got } = await send(await signed(letter()), 'john@shared.example')
    assert.equal(got?.verdict.spf, 'pass')
    assert.deepEqual(
      got?.verdict.dkim.map(({ result, domain, selector }) => [result, domain, selector]),
      [['pass', 'shared.example', 's1']],
    )
    assert.equal(got?.verdict.dmarc, 'pass')
    assert.equal(got?.client, '127.0.0.42')
    assert.match(got?.verdict.words.join('\n') ?? '', /SPF pass.*\nDKIM pass.*\nDMARC pass/)
  })

  test('signed, but sent by somebody else: DMARC passes by DKIM', async () => {
    const { got } = await send(await signed(letter()), 'john@elsewhere.example')
    assert.equal(got?.verdict.spf, 'none')
    assert.equal(got?.verdict.dmarc, 'pass')
  })

  test('changed behind the signature: refused with the reason', async () => {
    const raw = await signed(letter())
    const changed = Buffer.from(raw.toString('latin1').replace('Subject: Hello', 'Subject: Hullo'), 'latin1')
    const sofar = outside.user(pat.address).mailbox.messages.length
    const { reply } = await send(changed, 'john@elsewhere.example')
    assert.match(reply, /^550 5\.7\.509 .*DKIM fail.*DMARC fail/)
    assert.equal(outside.user(pat.address).mailbox.messages.length, sofar)
  })

  test('it does not relay, and knows its people', async () => {
    const hop = {
      host: 'mx.partner.example',
      port: outside.port,
      tls: 'opportunistic',
      serverName: 'mx.partner.example',
    } as const
    const sent = await outside.handTo(hop, {
      mailFrom: 'a@b.example',
      recipients: ['x@elsewhere.example', 'x@partner.example'],
      raw: letter(),
    })
    assert.deepEqual(
      sent.map((each) => each.reply.split(' ').slice(0, 2).join(' ')),
      ['554 5.7.1', '550 5.1.1'],
    )
  })
})
