/**
 * What came by BDAT goes on by BDAT unchanged where the next hop offers CHUNKING and nothing is signed; otherwise it is normalised
 * before it is signed. What a next hop cannot take is refused, never mangled. One Postfix plays all hops, with some of its words hidden.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBind } from '../../support/bind.ts'
import { type Gateway, startGateway } from '../../support/gateway.ts'
import { startPostfix } from '../../support/postfix.ts'
import { missing, until } from '../../support/program.ts'
import { dkimVerdicts } from '../../support/python-dkim.ts'
import { openScenario, settleAccounts } from '../../support/scenario.ts'
import { Client } from '../../support/smtp-client.ts'
import { startTap } from '../../support/tap.ts'

const skip = missing('postfix', 'named', 'dig', 'dkimverify')

const hops = {
  modern: '',
  nochunking: 'chunking',
  no8bit: '8bitmime',
  noutf8: 'smtputf8',
} as const

type Letter = { readonly to: readonly string[]; readonly content: string; readonly parameters?: string }

/** As the tenant; the content goes as it is, by BDAT or by DATA. The answer to it, or to the recipient that was refused. */
async function send(gateway: Gateway, { to, content, parameters = '' }: Letter, by: 'BDAT' | 'DATA'): Promise<string> {
  const client = new Client(gateway.smtp[0]?.port ?? 0)
  try {
    await client.reply()
    await client.ask('EHLO sender.example')
    await client.ask(`MAIL FROM:<ann@sender.example>${parameters}`)
    for (const recipient of to) {
      const answer = await client.ask(`RCPT TO:<${recipient}>`)
      if (!answer.startsWith('2')) return answer
    }
    const bytes = Buffer.from(content, 'utf8')
    if (by === 'DATA') await client.ask('DATA')
    const head = by === 'BDAT' ? `BDAT ${bytes.length} LAST\r\n` : ''
    client.send(Buffer.concat([Buffer.from(head), bytes, Buffer.from(by === 'DATA' ? '.\r\n' : '')]))
    return await client.reply()
  } finally {
    client.destroy()
  }
}

const letter = (id: string, body: string, more = '', from = 'Ann <ann@sender.example>'): string =>
  [
    `From: ${from}`,
    'To: olga@hop.example',
    `Message-ID: <${id}@sender.example>`,
    'Date: Mon, 23 Nov 2026 08:00:00 +0000',
    `${more}Subject: ${id}`,
    '',
    body,
  ].join('\r\n')

const bodyOf = (message: string): string => message.slice(message.indexOf('\n\n') + 2)

test('what a next hop offers', { skip }, async (t) => {
  await using s = openScenario(import.meta.dirname)
  const names = Object.keys(hops) as (keyof typeof hops)[]
  const zones = Object.fromEntries(names.map((name) => [`${name}.example`, ['@ MX 10 mx', `mx A ${s.host(name)}`]]))
  const dns = await s.keep(startBind({ dir: join(s.dir, 'dns'), zones: { ...zones, 'shared.example': [] } }))
  const gateway = await s.keep(startGateway({ data: join(s.dir, 'data'), project: s.project(), dns }))
  const places = names.map((name) => ({
    host: name === 'modern' ? s.host('behind') : s.host(name),
    port: 25,
    ...(hops[name] === '' ? {} : { options: { smtpd_discard_ehlo_keywords: `${hops[name]}, silent-discard` } }),
  }))
  const dir = join(s.dir, 'hops')
  const mailboxes = names.map((name) => `olga@${name}.example`)
  const hop = await s.keep(startPostfix({ dir, hostname: 'mx.hops.example', listen: places, mailboxes }))
  const tap = await s.keep(startTap({ host: s.host('modern'), port: 25 }, { host: s.host('behind'), port: 25 }))
  const { out } = await gateway.run('dkim', 'create', 'shared.example', '--json')
  const { records }: { records: readonly { zone: string }[] } = JSON.parse(out)
  await dns.publish(
    'shared.example',
    records.map(({ zone }) => zone),
  )

  const bare = 'one\ntwo\r\n.\r\n..three\n.\nfour\r\n'

  await t.test('bare LF that came by BDAT, unsigned, reaches a hop with CHUNKING byte for byte', async () => {
    const text = letter('bdat', bare, '', 'Nobody <nobody@sender.example>')
    const answer = await send(gateway, { to: ['olga@modern.example'], content: text }, 'BDAT')
    assert.match(answer, /^250 /)
    await hop.arrived('olga@modern.example')
    const said = tap.said().map(String).join('')
    const [, size = '', rest = ''] = /\r\nBDAT (\d+) LAST\r\n([^]*)$/.exec(said) ?? []
    const content = rest.slice(0, Number(size))
    assert.equal(content.slice(content.indexOf('\r\n\r\n') + 4), bare)
    assert.doesNotMatch(content, /DKIM-Signature/)
  })

  await t.test(
    'signed, it is normalised first there too: a server that stores lines would break the signature',
    async () => {
      const answer = await send(gateway, { to: ['olga@modern.example'], content: letter('signed', bare) }, 'BDAT')
      assert.match(answer, /^250 /)
      const arrived = await hop.arrived('olga@modern.example', 2)
      assert.equal(bodyOf(arrived), 'one\ntwo\n.\n..three\n.\nfour\n')
      assert.deepEqual(dkimVerdicts(arrived, dns), ['shared.example pass'])
    },
  )

  await t.test('a hop without CHUNKING gets it normalised, and the signature is of what it gets', async () => {
    const answer = await send(gateway, { to: ['olga@nochunking.example'], content: letter('data', bare) }, 'BDAT')
    assert.match(answer, /^250 /)
    const arrived = await hop.arrived('olga@nochunking.example')
    assert.equal(bodyOf(arrived), 'one\ntwo\n.\n..three\n.\nfour\n')
    assert.deepEqual(dkimVerdicts(arrived, dns), ['shared.example pass'])
  })

  await t.test('both in one message: each its own way', async () => {
    const to = ['olga@modern.example', 'olga@nochunking.example']
    assert.match(await send(gateway, { to, content: letter('both', bare) }, 'BDAT'), /^250 /)
    await hop.arrived('olga@modern.example', 3)
    assert.deepEqual(dkimVerdicts(await hop.arrived('olga@nochunking.example', 2), dns), ['shared.example pass'])
  })

  await t.test('8-bit content is refused for a hop without 8BITMIME, and passes elsewhere as it is', async () => {
    const text = 'Grüße\r\n'
    const parameters = ' BODY=8BITMIME'
    const far = { to: ['olga@no8bit.example'], content: letter('8bit', text), parameters }
    assert.match(await send(gateway, far, 'DATA'), /^55\d 5\.6\.\d+ .*8-bit/)
    const near = { ...far, to: ['olga@nochunking.example'] }
    assert.match(await send(gateway, near, 'DATA'), /^250 /)
    const arrived = await hop.arrived('olga@nochunking.example', 3)
    assert.equal(bodyOf(arrived), Buffer.from('Grüße\n').toString('latin1'))
    assert.deepEqual(dkimVerdicts(arrived, dns), ['shared.example pass'])
    const plain = { ...far, content: letter('7bit', 'Gruesse\r\n') }
    assert.match(await send(gateway, plain, 'DATA'), /^250 /)
    await hop.arrived('olga@no8bit.example')
  })

  await t.test('a header in UTF-8 is refused for a hop without SMTPUTF8, and passes elsewhere as it is', async () => {
    const content = letter('utf8', 'hello\r\n', 'X-Greeting: Grüße\r\n')
    const far = { to: ['olga@noutf8.example'], content, parameters: ' BODY=8BITMIME SMTPUTF8' }
    assert.match(await send(gateway, far, 'DATA'), /^55\d 5\.6\.7 /)
    assert.match(await send(gateway, { ...far, to: ['olga@modern.example'] }, 'DATA'), /^250 /)
    const arrived = await hop.arrived('olga@modern.example', 4)
    assert.match(Buffer.from(arrived, 'latin1').toString(), /^X-Greeting: Grüße$/m)
  })

  await t.test('nothing is lost: accepted = delivered + refused', async () => {
    await until('empty queue', () => hop.queued() === 0 || undefined)
    assert.deepEqual(await settleAccounts(gateway), { sent: 8, refused: 2, deferred: 0 })
    assert.equal(hop.held, 8)
  })
})
