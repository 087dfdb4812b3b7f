/** STARTTLS on both sides: what was said before it does not count after it, and who must have TLS never goes on without. */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Talk } from '../support/scripted-smtp.ts'
import { all, type Family, type Seen, type Try } from './attack.ts'
import { good, type HopOptions, type Hops, hopName, startHops } from './hops.ts'
import { content, makeMark } from './letters.ts'
import { type Stage, sharedStage } from './stage.ts'

export const starttls: Family = {
  name: 'starttls',
  title: 'plaintext before STARTTLS counts for nothing, and TLS is not talked away (2.2, T4)',
  async run({ attempt, isShort }) {
    const stage = await sharedStage()
    // Ten seconds, so at the same time as all the others.
    const patience = isShort ? undefined : stalled(stage)
    await atTheListener(stage, attempt)
    const { hop, early } = injector()
    await using hops = await startHops({ ...hostile, good: { tls: identity }, injects: hop })
    for (const name of Object.keys(hostile))
      await attempt(`next hop: ${sentences[name] ?? name}`, neverPlain, () => closed(hops, name))
    await attempt('next hop without STARTTLS: the trace', 'says why nothing was sent', async () => {
      const { out } = await hops.gateway.run('trace', '--to', 'u@stripped.example')
      return all('DEFER ... does not offer STARTTLS', [/DEFER[^]*does not offer STARTTLS/.test(out), out])
    })
    await attempt('next hop: answers to come in one segment with 220', 'discarded, or no message', () =>
      injected(hops, early),
    )
    await attempt('next hop behaves (control)', '250, and TLS', () => behaves(hops))
    if (patience !== undefined) await attempt('ClientHello that never ends', 'cut in 10 s', () => patience)
  },
}

async function atTheListener(stage: Stage, attempt: Try): Promise<void> {
  const injections = {
    NOOP: 'NOOP\r\n',
    EHLO: 'EHLO injected.example\r\n',
    'MAIL FROM': 'MAIL FROM:<evil@x.example>\r\n',
    'a whole transaction': 'EHLO i\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<john@shared.example>\r\nDATA\r\n',
    'a fragment, RSE': 'RSE',
  }
  for (const [name, bytes] of Object.entries(injections))
    await attempt(`STARTTLS and ${name} in one segment`, 'discarded or closed; no word more inside TLS', () =>
      injection(stage, bytes),
    )
  const starts = '220'
  const dialogues: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['STARTTLS with an argument', ['STARTTLS now'], /^501 /],
    ['STARTTLS inside TLS', [starts, 'STARTTLS'], /^503 /],
    // Nobody signs in here, so that there is nothing to fix before TLS and to use after it.
    ['AUTH before TLS', ['AUTH PLAIN AGEAYg=='], /^50[02] /],
    ['AUTH inside TLS', [starts, 'EHLO x', 'AUTH LOGIN'], /^50[02] /],
    [
      'MAIL, STARTTLS, then RCPT without EHLO and MAIL',
      ['MAIL FROM:<s@x.example>', starts, 'RCPT TO:<john@shared.example>'],
      /^503 /,
    ],
    [
      'MAIL and RCPT, STARTTLS, EHLO, then DATA',
      ['MAIL FROM:<s@x.example>', 'RCPT TO:<john@shared.example>', starts, 'EHLO x', 'DATA'],
      /^503 /,
    ],
    ['STARTTLS, then MAIL without EHLO', [starts, 'MAIL FROM:<s@x.example>'], /^503 /],
  ]
  for (const [name, lines, wanted] of dialogues)
    await attempt(name, 'refused, 500 to 503', async () => {
      const client = await stage.visit()
      let reply = ''
      for (const line of lines) {
        reply = await client.ask(line === starts ? 'STARTTLS' : line)
        if (line === starts && reply.startsWith('220')) await client.secure({})
      }
      client.destroy()
      return { held: wanted.test(reply), happened: reply }
    })
  await attempt('EHLO inside TLS', 'STARTTLS is not offered', async () => {
    const client = await stage.visit({ tls: true })
    client.send(Buffer.from('EHLO x\r\n'))
    const offered: string[] = []
    do offered.push(await client.line('EHLO'))
    while (offered.at(-1)?.[3] === '-')
    client.destroy()
    return {
      held: !offered.some((line) => line.includes('STARTTLS')),
      happened: offered.map((l) => l.slice(4)).join(', '),
    }
  })
}

async function injection(stage: Stage, bytes: string): Promise<Seen> {
  const client = await stage.visit()
  client.send(Buffer.from(`STARTTLS\r\n${bytes}`))
  const go = await client.reply()
  if (!go.startsWith('220')) {
    const rest = await client.rest().catch(() => ['still open'])
    return { held: go.startsWith('5'), happened: `${go} ${rest.join(' ')}` }
  }
  try {
    await client.secure({})
  } catch {
    return { held: true, happened: `${go}, then closed` }
  }
  await sleep(200)
  const unasked = client.unread()
  const early = await client.ask('RCPT TO:<john@shared.example>').catch(() => '503 closed')
  client.destroy()
  return all(
    `${go}; nothing unasked; RCPT: ${early}`,
    [unasked.length === 0, `unasked inside TLS: ${unasked.join(' ')}`],
    [early.startsWith('503'), `RCPT: ${early}`],
  )
}

function stalled(stage: Stage): Promise<Seen> {
  return new Promise((resolve) => {
    const socket = connect({ port: stage.port, host: '127.0.0.1', localAddress: '127.99.0.1' })
    const from = performance.now()
    let said = ''
    const late = setTimeout(() => socket.destroy(), 14_000)
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1')
      if (said.endsWith('ready to start TLS\r\n')) socket.write(Buffer.from([0x16, 0x03, 0x01]))
    })
    socket.on('error', () => {})
    socket.write('EHLO x\r\n')
    setTimeout(() => socket.write('STARTTLS\r\n'), 200)
    socket.on('close', () => {
      clearTimeout(late)
      const seconds = (performance.now() - from) / 1000
      resolve({ held: seconds < 13, happened: `closed after ${seconds.toFixed(1)} s` })
    })
  })
}

const neverPlain = '451, no MAIL and no message'

/** Answers STARTTLS with this and behaves otherwise. */
const refuses = (...lines: readonly string[]): HopOptions => ({
  tls: identity,
  on: starttlsBy((talk) => talk.say(...lines)),
})
const identity = { cert: good.chain, key: good.key }
const starttlsBy =
  (answer: (talk: Talk) => void) =>
  (line: string, talk: Talk): boolean => {
    if (line !== 'STARTTLS') return false
    answer(talk)
    return true
  }

const hostile: Readonly<Record<string, HopOptions>> = {
  stripped: { tls: identity, extensions: ['PIPELINING', '8BITMIME'] },
  masked: { tls: identity, extensions: ['PIPELINING', 'XXXXXXXA'] },
  r454: refuses('454 4.7.0 not now'),
  r500: refuses('500 5.5.1 what'),
  r502: refuses('502 5.5.1 not implemented'),
  r530: refuses('530 5.7.0 no'),
  r250: refuses('250 2.0.0 fine without'),
  empty: { tls: identity, on: starttlsBy((talk) => talk.raw('\r\n')) },
  silent: { tls: identity, on: starttlsBy((talk) => talk.hangUp()) },
  plain: { tls: identity, on: starttlsBy((talk) => talk.say('220 go', '250-peer.example', '250 AUTH PLAIN')) },
  noehlo: { tls: identity, on: (line, talk) => line.startsWith('EHLO') && (talk.say('502 5.5.1 no EHLO here'), true) },
}

const sentences: Readonly<Record<string, string>> = {
  stripped: 'STARTTLS is not offered',
  masked: 'STARTTLS is overwritten with X',
  r454: 'STARTTLS is answered 454',
  r500: 'STARTTLS is answered 500',
  r502: 'STARTTLS is answered 502',
  r530: 'STARTTLS is answered 530',
  r250: 'STARTTLS is answered 250',
  empty: 'STARTTLS is answered by an empty line',
  silent: 'hangs up at STARTTLS',
  plain: 'answers 220 and goes on in plaintext with 250',
  noehlo: 'knows no EHLO',
}

/** Nothing of the message, of sender or recipient, is ever said. */
async function closed(hops: Hops, name: string): Promise<Seen> {
  const mark = makeMark()
  const { reply } = await hops.send(name, content({ mark, from: 's@sender.example' }))
  const { arrivals, lines } = hops.of(name)
  const mail = lines.find((line) => /MAIL|RCPT|DATA|BDAT|sender\.example/.test(line))
  return all(
    reply,
    [reply.startsWith('451 '), reply],
    [mail === undefined, `it was told: ${mail ?? ''}`],
    [arrivals.length === 0, 'it got the message'],
  )
}

async function behaves(hops: Hops): Promise<Seen> {
  const { reply } = await hops.send('good', content({ mark: makeMark(), from: 's@sender.example' }))
  const copies = hops.of('good').arrivals.length
  return all(`${reply.slice(0, 9)}, verified as ${hopName}`, [reply.startsWith('250') && copies === 1, reply])
}

/** Lays the answer to EHLO into the plaintext before TLS, and takes its time inside: who goes on too soon has believed it. */
function injector(): { readonly hop: HopOptions; readonly early: () => string } {
  let helloAt = Number.POSITIVE_INFINITY
  let early = ''
  const on = (line: string, talk: Talk): boolean => {
    if (line === 'STARTTLS') {
      talk.raw('220 go\r\n250-injected.example\r\n250 AUTH PLAIN\r\n')
      talk.startTls()
      return true
    }
    if (!talk.secure) return false
    if (!line.startsWith('EHLO')) {
      if (performance.now() < helloAt) early = line
      return false
    }
    helloAt = performance.now() + 300
    setTimeout(() => talk.say('250-peer.example', '250-PIPELINING', '250 8BITMIME'), 300)
    return true
  }
  return { hop: { tls: identity, on }, early: () => early }
}

async function injected(hops: Hops, early: () => string): Promise<Seen> {
  const { reply } = await hops.send('injects', content({ mark: makeMark(), from: 's@sender.example' }))
  return all(reply, [early() === '', `said before the answer inside TLS: ${early()}`])
}
