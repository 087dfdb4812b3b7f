import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { after, test } from 'node:test'
import { type PeerOptions, startPeer, type Talk } from '../../../test/support/scripted-smtp.ts'
import type { DelivererOptions, Outcome, Timeouts } from './deliver.ts'
import { attempt, deliverer, eventually, fakeDns, hopTo, kinds, only } from './for-tests.ts'

type Peer = Awaited<ReturnType<typeof startPeer>>
const peers: Peer[] = []
after(() => Promise.all(peers.map((peer) => peer.close())))

async function peerThat(o: PeerOptions): Promise<Peer> {
  const peer = await startPeer(o)
  peers.push(peer)
  return peer
}

async function sendTo(o: PeerOptions, d: Partial<DelivererOptions> = {}): Promise<Outcome> {
  const peer = await peerThat(o)
  await using made = deliverer(d)
  return only(await made.attempt(attempt(hopTo(peer.port))))
}

/** Answers the line that begins with `verb` in its own way. */
const at = (verb: string, act: (talk: Talk) => void): PeerOptions => ({
  on: (line, talk) => {
    if (verb === '' ? line !== '' : !line.startsWith(verb)) return false
    act(talk)
    return true
  },
})

const hostile: readonly { name: string; act: (talk: Talk) => void; why: RegExp }[] = [
  { name: 'garbage', act: (t) => t.say('hello there'), why: /not SMTP/ },
  { name: 'a code that does not exist', act: (t) => t.say('999 wow'), why: /not SMTP/ },
  { name: 'two codes in one reply', act: (t) => t.say('250-a', '550 b'), why: /two codes/ },
  { name: 'an endless line', act: (t) => t.raw(`250 ${'x'.repeat(100_000)}`), why: /too long/ },
  { name: 'an endless reply', act: (t) => t.raw('250-x\r\n'.repeat(20_000)), why: /does not end/ },
  {
    name: 'a reply cut short',
    act: (t) => {
      t.raw('250')
      t.hangUp()
    },
    why: /closed the connection/,
  },
  { name: 'silence and a closed connection', act: (t) => t.hangUp(), why: /closed the connection/ },
  { name: '421', act: (t) => t.say('421 4.3.2 shutting down'), why: /421 4\.3\.2 shutting down/ },
  { name: '4xx', act: (t) => t.say('450 4.7.0 later'), why: /450 4\.7\.0 later/ },
  { name: '3xx', act: (t) => t.say('334 go on'), why: /334 go on/ },
]

for (const verb of ['EHLO', 'MAIL', 'RCPT', 'DATA', '.']) {
  for (const { name, act, why } of hostile) {
    test(`${verb} met with ${name}: deferred, with the reason`, async () => {
      const outcome = await sendTo(at(verb, act))
      assert.equal(outcome.kind, 'deferred', outcome.why)
      assert.match(outcome.why, why)
      const lost = verb === '.' && !/\d{3} /.test(outcome.why)
      assert.equal(outcome.uncertain ?? false, lost)
      if (lost) assert.match(outcome.why, /^unknown outcome: /)
    })
  }
}

test('control characters in a reply are escaped in reply and reason', async () => {
  const outcome = await sendTo(at('RCPT', (t) => t.raw('550 5.1.1 \0\x1b[31mred\xff\r\n')))
  assert.equal(outcome.kind, 'refused')
  for (const text of [outcome.why, outcome.reply.text]) assert.match(text, /^[ -~]+$/)
})

test('a yes to DATA is no yes to the message', async () => {
  const outcome = await sendTo(at('DATA', (t) => t.say('250 2.0.0 ok')))
  assert.equal(outcome.kind, 'deferred')
})

test('a refusal in the middle of the content counts, a yes there does not', async () => {
  for (const [early, kind] of [
    ['552 5.3.4 too big', 'refused'],
    ['250 2.0.0 queued', 'deferred'],
  ] as const) {
    const peer = await peerThat(at('DATA', (talk) => talk.say('354 go on', early)))
    await using d = deliverer()
    const outcome = only(await d.attempt(attempt(hopTo(peer.port))))
    assert.equal(outcome.kind, kind, outcome.why)
  }
})

for (const [stage, verb] of [
  ['greeting', 'the greeting'],
  ['command', 'EHLO'],
  ['command', 'RCPT'],
  ['data', 'DATA'],
  ['final', '.'],
] as const) {
  test(`silence at ${verb} ends by its time limit`, async () => {
    const silent: PeerOptions = {
      extensions: [],
      on: (line) => (verb === 'the greeting' ? line === '' : line.startsWith(verb)),
    }
    const outcome = await sendTo(silent, { timeouts: { [stage]: 40 } })
    assert.equal(outcome.kind, 'deferred')
    assert.match(outcome.why, /did not answer in time/)
    assert.equal(outcome.uncertain ?? false, verb === '.')
  })
}

test('a reply that trickles does not put off its time limit', async () => {
  const timers: NodeJS.Timeout[] = []
  const outcome = await sendTo(
    at('MAIL', (t) => void timers.push(setInterval(() => t.raw('2'.repeat(1)), 5))),
    { timeouts: { command: 60 } },
  )
  for (const timer of timers) clearInterval(timer)
  assert.equal(outcome.kind, 'deferred')
})

test('a hop that stops reading ends by its time limit, with bounded memory', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.write('220 x\r\n')
    socket.on('data', (chunk) => {
      const said = chunk.toString('latin1')
      if (said.startsWith('EHLO')) socket.write('250 x\r\n')
      else if (/^(MAIL|RCPT)/.test(said)) socket.write('250 ok\r\n')
      else if (said.startsWith('DATA')) {
        socket.write('354 go\r\n')
        socket.pause()
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await using d = deliverer({ timeouts: { block: 80 } })
  const content = [Buffer.alloc(40_000_000, 'x\r\n')]
  const outcome = only(await d.attempt(attempt(hopTo(port), undefined, { content })))
  assert.equal(outcome.kind, 'deferred')
  assert.match(outcome.why, /in time/)
  assert.equal(outcome.uncertain, undefined)
  server.close()
})

test('nobody listens, no such name, nobody knows: deferred with the reason', async () => {
  await using d = deliverer()
  const refused = only(await d.attempt(attempt(hopTo(1))))
  assert.deepEqual([refused.kind, refused.reply.enhanced], ['deferred', '4.4.1'])
  assert.match(refused.why, /cannot connect: .*ECONNREFUSED/)
  for (const host of ['x.absent', 'x.unknown']) {
    const outcome = only(await d.attempt(attempt(hopTo(25, { host }))))
    assert.deepEqual([outcome.kind, outcome.reply.enhanced, outcome.remote], ['deferred', '4.4.3', `${host}:25`])
  }
})

for (const greeting of ['554 5.7.1 no', '421 4.7.0 busy', 'what']) {
  test(`greeting ${greeting}: the next host of the list; alone it is deferred, even for 5xx`, async () => {
    const bad = await peerThat({ greeting: [greeting] })
    const good = await peerThat({})
    await using d = deliverer()
    const alone = only(await d.attempt(attempt(hopTo(bad.port))))
    assert.equal(alone.kind, 'deferred')
    const hops = [
      hopTo(1),
      hopTo(25, { host: 'x.absent' }),
      hopTo(bad.port, { host: 'mx1' }),
      hopTo(good.port, { host: 'mx2' }),
    ]
    const outcome = only(await d.attempt(attempt(hops)))
    assert.deepEqual([outcome.kind, outcome.remote], ['delivered', `mx2 [127.0.0.1]:${good.port}`])
  })
}

test('all hosts fail: the reasons of all', async () => {
  await using d = deliverer()
  const outcome = only(await d.attempt(attempt([hopTo(1, { host: 'mx1' }), hopTo(25, { host: 'mx2.absent' })])))
  assert.equal(outcome.kind, 'deferred')
  assert.match(outcome.why, /mx1 .*ECONNREFUSED.*; mx2\.absent:25: /)
})

test('the next address of a host is tried', async () => {
  const good = await peerThat({})
  const dns = {
    async addresses() {
      return {
        kind: 'found',
        value: [
          { address: '::1', family: 6 },
          { address: '127.0.0.9', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ],
      } as const
    },
    mx: async () => ({ kind: 'absent' }) as const,
    txt: async () => ({ kind: 'absent' }) as const,
    ns: async () => ({ kind: 'absent' }) as const,
    cname: async () => ({ kind: 'absent' }) as const,
    close() {},
  }
  await using d = deliverer({ dns })
  assert.match(only(await d.attempt(attempt(hopTo(good.port)))).remote, /\[127\.0\.0\.1\]/)
})

test('deadline before the last byte: deferred at once, and the hop gets no end of the message', async () => {
  const peer = await peerThat({ on: (line) => line === 'DATA' })
  await using d = deliverer()
  const deadline = new AbortController()
  const attempted = d.attempt(attempt(hopTo(peer.port), ['a@x', 'b@x']), deadline.signal)
  await eventually(() => peer.lines.some((line) => line.includes('DATA')))
  deadline.abort()
  const outcomes = await attempted
  assert.deepEqual(kinds(outcomes), ['deferred', 'deferred'])
  assert.match(outcomes[0]?.why ?? '', /deadline/)
  assert.equal(outcomes[0]?.uncertain, undefined)
  await eventually(() => peer.connections.open === 0)
  assert.deepEqual(peer.messages, [])
})

test('deadline after the last byte: unknown at once, and the true outcome later', async () => {
  let answer: (() => void) | undefined
  const peer = await peerThat({
    on: (line, talk) => {
      if (line === '.') answer = () => talk.say('250 2.0.0 late')
      return line === '.'
    },
  })
  await using d = deliverer()
  const deadline = new AbortController()
  const attempted = d.attempt(attempt(hopTo(peer.port)), deadline.signal)
  await eventually(() => answer !== undefined)
  deadline.abort()
  const outcome = only(await attempted)
  assert.deepEqual([outcome.kind, outcome.uncertain], ['deferred', true])
  assert.match(outcome.why, /^unknown outcome/)
  answer?.()
  assert.equal((await outcome.later)?.kind, 'delivered')
  // The connection was not thrown away.
  assert.equal(only(await deliverAgain(d, peer.port, () => answer?.())).kind, 'delivered')
  assert.equal(peer.connections.count, 1)
})

async function deliverAgain(
  d: ReturnType<typeof deliverer>,
  port: number,
  answer: () => void,
): Promise<readonly Outcome[]> {
  const attempted = d.attempt(attempt(hopTo(port)))
  const timer = setInterval(answer, 10)
  const outcomes = await attempted
  clearInterval(timer)
  return outcomes
}

test('a deadline that has passed already', async () => {
  const peer = await peerThat({})
  await using d = deliverer()
  assert.deepEqual(kinds(await d.attempt(attempt(hopTo(peer.port)), AbortSignal.abort())), ['deferred'])
  assert.deepEqual(peer.messages, [])
})

test('several addresses: a TLS failure on one is told, not that there was nobody at the last', async () => {
  const peer = await peerThat({})
  const addresses = (...list: readonly string[]) => list.map((address) => ({ address, family: 4 as const }))
  for (const value of [addresses('127.0.0.1', '127.0.0.9'), addresses('127.0.0.9', '127.0.0.1')]) {
    await using d = deliverer({
      dns: { ...fakeDns, addresses: async () => ({ kind: 'found', value }) },
      dial: (host, port) => connect({ host, port: host === '127.0.0.1' ? port : 1 }),
    })
    const outcome = only(await d.attempt(attempt(hopTo(peer.port, { tls: 'required' }))))
    assert.deepEqual([outcome.kind, outcome.reply.code, outcome.reply.enhanced], ['deferred', 451, '4.7.5'])
    assert.match(outcome.remote, /\[127\.0\.0\.1\]/)
    assert.match(outcome.why, /ECONNREFUSED/)
    assert.match(outcome.why, /STARTTLS/)
  }
})

test('several hosts: what one of them said is told, not that there was nobody at the last', async () => {
  const peer = await peerThat({
    on: (line, talk) => line.startsWith('EHLO') && (talk.say('421 4.3.2 closed for today'), true),
  })
  await using d = deliverer()
  const outcome = only(await d.attempt(attempt([hopTo(peer.port), hopTo(1, { host: 'mx2' })])))
  assert.equal(outcome.reply.enhanced, '4.3.2')
  assert.deepEqual(Object.keys(outcome).toSorted(), ['kind', 'remote', 'reply', 'spoke', 'tls', 'unreached', 'why'])
})

test('only what a server said is told as its words', async () => {
  const spoke = async (o: PeerOptions, times: Partial<Timeouts> = {}): Promise<unknown> =>
    (await sendTo(o, { timeouts: times })).spoke
  assert.equal(await spoke({}), true)
  for (const step of ['', 'EHLO', 'MAIL', 'RCPT', 'DATA', '.'])
    assert.equal(await spoke(at(step, (t) => t.say('451 4.3.2 busy'))), true, step)
  for (const step of ['', 'EHLO', 'MAIL', 'RCPT', 'DATA', '.']) {
    // One command after the other: otherwise the next answer would be taken for this one.
    const alone = { extensions: [] }
    const silent = { greeting: 40, command: 40, data: 40, final: 40 }
    assert.equal(await spoke({ ...alone, ...at(step, (t) => t.hangUp()) }), undefined, `hangs up at ${step}`)
    assert.equal(await spoke({ ...alone, ...at(step, () => {}) }, silent), undefined, `says nothing to ${step}`)
  }
  await using d = deliverer()
  const nobody = only(await d.attempt(attempt(hopTo(1))))
  const noTls = only(await d.attempt(attempt(hopTo((await peerThat({ extensions: [] })).port, { tls: 'required' }))))
  assert.deepEqual([nobody.spoke, noTls.spoke], [undefined, undefined])
})
