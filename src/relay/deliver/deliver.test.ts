import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerOptions, startPeer, usualExtensions } from '../../../test/support/scripted-smtp.ts'
import { attempt, deliverer, hopTo, kinds, only, text } from './for-tests.ts'

async function withPeer(
  o: PeerOptions,
  run: (t: {
    port: number
    peer: Awaited<ReturnType<typeof startPeer>>
    d: ReturnType<typeof deliverer>
  }) => Promise<void>,
) {
  const peer = await startPeer(o)
  const d = deliverer()
  try {
    await run({ port: peer.port, peer, d })
  } finally {
    await d.close()
    await peer.close()
  }
}

const said = (lines: readonly string[]): string[] =>
  lines.map((line) => line.slice(2)).filter((line) => line !== 'QUIT')

test('a message is taken: exact dialogue, exact bytes', () =>
  withPeer({}, async ({ port, peer, d }) => {
    const outcome = only(await d.attempt(attempt(hopTo(port))))
    assert.equal(outcome.kind, 'delivered')
    assert.equal(outcome.remote, `peer.example [127.0.0.1]:${port}`)
    assert.equal(outcome.tls, '')
    assert.deepEqual(outcome.reply, { code: 250, enhanced: '2.0.0', text: 'queued' })
    const size = Buffer.byteLength(text)
    assert.deepEqual(said(peer.lines), [
      'EHLO gw.example',
      `MAIL FROM:<s@gw.example> SIZE=${size}`,
      'RCPT TO:<r@peer.example>',
      'DATA',
    ])
    assert.equal(peer.messages[0]?.toString('latin1'), text)
  }))

test('the connection is used again, without RSET after success', () =>
  withPeer({}, async ({ port, peer, d }) => {
    for (let i = 0; i < 3; i++) assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port)))), ['delivered'])
    assert.equal(peer.connections.count, 1)
    assert.ok(!said(peer.lines).includes('RSET'))
  }))

test('dots are doubled, also across pieces; a missing last line end is added', () =>
  withPeer({}, async ({ port, peer, d }) => {
    const content = ['.a: b\r\n\r\n', '.\r\n..x\r\n', '.', '.y\r', '\n.z'].map((s) => Buffer.from(s))
    assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port), undefined, { content }))), ['delivered'])
    assert.equal(peer.messages[0]?.toString('latin1'), '..a: b\r\n\r\n..\r\n...x\r\n...y\r\n..z\r\n')
  }))

test('a large message arrives byte for byte', () =>
  withPeer({ extensions: usualExtensions.filter((word) => !word.startsWith('SIZE')) }, async ({ port, peer, d }) => {
    const body = Buffer.from(`${'0123456789abcdef'.repeat(4)}\r\n`.repeat(80_000))
    const content = [Buffer.from('A: b\r\n\r\n'), body]
    assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port), undefined, { content }))), ['delivered'])
    assert.ok(peer.messages[0]?.equals(Buffer.concat(content)))
  }))

for (const extensions of [usualExtensions, usualExtensions.filter((word) => word !== 'PIPELINING')]) {
  const way = extensions.includes('PIPELINING') ? 'pipelined' : 'one by one'

  test(`half of the recipients refused, ${way}`, () =>
    withPeer(
      {
        extensions,
        on: (line, talk) => {
          if (line.startsWith('RCPT TO:<bad')) talk.say('550 5.1.1 no such user')
          else if (line.startsWith('RCPT TO:<full')) talk.say('452 4.2.2 mailbox full')
          else return false
          return true
        },
      },
      async ({ port, peer, d }) => {
        const outcomes = await d.attempt(attempt(hopTo(port), ['bad1@x', 'ok1@x', 'full@x', 'ok2@x', 'bad2@x']))
        assert.deepEqual(kinds(outcomes), ['refused', 'delivered', 'deferred', 'delivered', 'refused'])
        assert.match(
          outcomes[0]?.why ?? '',
          /RCPT TO was answered 550 5\.1\.1 no such user; the mailbox does not exist/,
        )
        assert.equal(peer.messages.length, 1)
      },
    ))

  test(`all recipients refused, ${way}: nothing is sent and the connection stays good`, () =>
    withPeer(
      {
        extensions,
        on: (line, talk) => {
          if (!line.startsWith('RCPT TO:<bad')) return false
          talk.say('550 5.1.1 no such user')
          return true
        },
      },
      async ({ port, peer, d }) => {
        assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port), ['bad1@x', 'bad2@x']))), ['refused', 'refused'])
        assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port), ['ok@x']))), ['delivered'])
        assert.equal(peer.connections.count, 1)
        assert.ok(said(peer.lines).includes('RSET'))
        // A hop that says 354 all the same was sent a message of nothing but its end (RFC 2920 section 3.1).
        assert.deepEqual(peer.messages.filter((m) => m.length > 0).map(String), [text])
      },
    ))

  test(`MAIL refused, ${way}`, () =>
    withPeer(
      {
        extensions,
        on: (line, talk) => {
          if (line.startsWith('MAIL')) talk.say('550 5.7.64 TenantAttribution; Relay Access Denied ATTR36')
          else if (/^(RCPT|DATA)/.test(line)) talk.say('503 5.5.1 no MAIL')
          else return false
          return true
        },
      },
      async ({ port, d }) => {
        const outcomes = await d.attempt(attempt(hopTo(port), ['a@x', 'b@x']))
        assert.deepEqual(kinds(outcomes), ['refused', 'refused'])
        assert.match(outcomes[1]?.why ?? '', /MAIL FROM was answered 550 5\.7\.64 .*ATTR36; a connector matched, but/)
      },
    ))

  test(`452 in the middle, ${way}: the rest follows in further transactions`, () => {
    let sofar = 0
    return withPeer(
      {
        extensions,
        on: (line, talk) => {
          if (line.startsWith('MAIL')) sofar = 0
          if (!line.startsWith('RCPT') || ++sofar <= 2) return false
          talk.say('452 4.5.3 Too many recipients')
          return true
        },
      },
      async ({ port, peer, d }) => {
        const outcomes = await d.attempt(attempt(hopTo(port), ['a@x', 'b@x', 'c@x', 'd@x', 'e@x']))
        assert.deepEqual(kinds(outcomes), ['delivered', 'delivered', 'delivered', 'delivered', 'delivered'])
        assert.equal(peer.messages.length, 3)
        assert.equal(peer.connections.count, 1)
      },
    )
  })

  test(`DATA refused, ${way}`, () =>
    withPeer(
      {
        extensions,
        on: (line, talk) => {
          if (line === 'DATA') talk.say('554 5.5.1 not today')
          return line === 'DATA'
        },
      },
      async ({ port, peer, d }) => {
        assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port)))), ['refused'])
        assert.equal(peer.messages.length, 0)
      },
    ))
}

test('the answer to the message counts for each accepted recipient: 4xx, 5xx', () =>
  withPeer(
    {
      on: (line, talk) => {
        if (line === '.') talk.say(talk.connection === 0 ? '451 4.7.1 greylisted' : '554 5.7.1 spam')
        return line === '.'
      },
    },
    async ({ port, d }) => {
      const first = await d.attempt(attempt(hopTo(port), ['a@x', 'b@x']))
      assert.deepEqual(kinds(first), ['deferred', 'deferred'])
      assert.equal(first[0]?.uncertain, undefined)
      assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port, { host: 'other.example' })))), ['refused'])
    },
  ))

test('DSN parameters, SMTPUTF8 and BODY go to a hop that offers them', () =>
  withPeer({}, async ({ port, peer, d }) => {
    const recipients = [{ address: 'jos\u00e9@peer.example', notify: 'NEVER', orcpt: 'rfc822;x@y' }]
    const outcomes = await d.attempt({
      ...attempt(hopTo(port)),
      recipients,
      ret: 'HDRS',
      envid: 'e1',
      body: '8BITMIME',
      smtputf8: true,
    })
    assert.deepEqual(kinds(outcomes), ['delivered'])
    const [, mail = '', rcpt = ''] = said(peer.lines)
    assert.match(mail, /^MAIL FROM:<s@gw\.example> SIZE=\d+ BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=e1$/)
    assert.equal(
      Buffer.from(rcpt, 'latin1').toString(),
      'RCPT TO:<jos\u00e9@peer.example> NOTIFY=NEVER ORCPT=rfc822;x@y',
    )
  }))

test('a hop with few extensions: what it cannot take is refused here, what it can goes without parameters', () =>
  withPeer({ extensions: ['SIZE 100'] }, async ({ port, peer, d }) => {
    const eight = [Buffer.from('A: b\r\n\r\n\xe9\r\n', 'latin1')]
    const utf8 = [Buffer.from('A: \xc3\xa9\r\n\r\nx\r\n', 'latin1')]
    const send = async (o: Parameters<typeof attempt>[2], to?: readonly string[]) =>
      (await d.attempt(attempt(hopTo(port), to, o))).map(
        (outcome) => `${outcome.kind} ${outcome.reply.code} ${outcome.reply.enhanced}`,
      )
    assert.deepEqual(await send({ content: eight, body: '8BITMIME' }), ['refused 554 5.6.3'])
    assert.deepEqual(await send({ content: utf8, smtputf8: true }), ['refused 550 5.6.7'])
    assert.deepEqual(await send({ mailFrom: 'jos\u00e9@gw.example' }), ['refused 550 5.6.7'])
    assert.deepEqual(await send({}, ['\u00e9@x', 'a@x']), ['refused 550 5.6.7', 'delivered 250 2.0.0'])
    assert.deepEqual(await send({ body: 'BINARYMIME', via: 'BDAT' }), ['refused 554 5.6.1'])
    assert.deepEqual(await send({ content: [Buffer.alloc(101, 'x')] }), ['refused 552 5.3.4'])
    const plain = { smtputf8: true, body: '8BITMIME', ret: 'FULL', envid: 'x' } as const
    assert.deepEqual(await send(plain), ['delivered 250 2.0.0'])
    assert.deepEqual(
      said(peer.lines).filter((line) => line.startsWith('MAIL')),
      Array(2).fill(`MAIL FROM:<s@gw.example> SIZE=${text.length}`),
    )
  }))

test('what came by BDAT goes by BDAT, byte for byte', () =>
  withPeer({}, async ({ port, peer, d }) => {
    const content = [Buffer.from('A: b\r\n\r\n'), Buffer.from('bare\nlf\r.\r\n.\r\n\0'), Buffer.alloc(0)]
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port), undefined, { content, via: 'BDAT' }))), ['delivered'])
      assert.ok(peer.messages[i]?.equals(Buffer.concat(content)))
    }
    assert.ok(said(peer.lines).includes(`BDAT ${Buffer.concat(content).length} LAST`))
    const empty = attempt(hopTo(port), undefined, { content: [], via: 'BDAT' })
    assert.deepEqual(kinds(await d.attempt(empty)), ['delivered'])
  }))

test('a large chunk arrives whole', () =>
  withPeer({ extensions: ['CHUNKING', 'PIPELINING'] }, async ({ port, peer, d }) => {
    const content = [Buffer.from('A: b\r\n\r\n'), Buffer.alloc(3_000_000, 'x\n')]
    assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port), undefined, { content, via: 'BDAT' }))), ['delivered'])
    assert.ok(peer.messages[0]?.equals(Buffer.concat(content)))
  }))

test('bare line ends never leave by DATA', () =>
  withPeer({ extensions: ['PIPELINING'] }, async ({ port, peer, d }) => {
    for (const body of ['a\n.\r\nb\r\n', 'a\rb\r\n', 'a\0\r\n', '\r\n.\n']) {
      const outcome = only(
        await d.attempt(attempt(hopTo(port), undefined, { content: [Buffer.from(body)], via: 'BDAT' })),
      )
      assert.equal(outcome.kind, 'deferred')
      assert.match(outcome.why, /bare line ends/)
    }
    assert.deepEqual(peer.messages, [])
  }))

test('what a hop offers is asked once', () =>
  withPeer({}, async ({ port, peer, d }) => {
    for (let i = 0; i < 3; i++) {
      const offers = await d.offers(hopTo(port))
      assert.ok('chunking' in offers && offers.chunking && offers.size === 1_000_000)
    }
    await d.attempt(attempt(hopTo(port)))
    assert.equal(peer.connections.count, 1)
    const down = await d.offers(hopTo(port, { host: 'host.absent' }))
    assert.ok('trouble' in down && down.trouble.kind === 'deferred')
  }))

test('control characters in an address go nowhere', () =>
  withPeer({}, async ({ port, peer, d }) => {
    const outcomes = await d.attempt(attempt(hopTo(port), ['a@x>\r\nRCPT TO:<evil@x', 'ok@x']))
    assert.deepEqual(kinds(outcomes), ['refused', 'delivered'])
    assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port), ['a@x'], { mailFrom: 'x\n@y' }))), ['refused'])
    assert.ok(!peer.lines.some((line) => line.includes('evil')))
  }))

test('EHLO refused: HELO, and nothing that needs an extension', () =>
  withPeer(
    {
      on: (line, talk) => {
        if (line.startsWith('EHLO')) talk.say('502 5.5.1 what?')
        return line.startsWith('EHLO')
      },
    },
    async ({ port, peer, d }) => {
      assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port)))), ['delivered'])
      assert.deepEqual(said(peer.lines).slice(1), [
        'HELO gw.example',
        'MAIL FROM:<s@gw.example>',
        'RCPT TO:<r@peer.example>',
        'DATA',
      ])
    },
  ))
