/**
 * SMTP smuggling (CVE-2023-51764, -51765, -51766 and their kin) through the whole gateway: each sequence that some server takes
 * for the end of a message, in the body, in a folded field, right before the true end, whole and cut at every byte, by DATA and
 * by BDAT. It must stay one message, and what leaves by DATA has no bare CR, no bare LF and no NUL.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { falseEnds } from './support/end-of-data.ts'
import { projectOf } from './support/relay-values.ts'
import { type RunningRelay, startRelay } from './support/running-relay.ts'
import { type Peer, startPeer } from './support/scripted-smtp.ts'
import { Client } from './support/smtp-client.ts'

let relay: RunningRelay
let hop: Peer
let client: Client

before(async () => {
  relay = await startRelay()
  hop = await startPeer({ extensions: ['PIPELINING', '8BITMIME'] })
  relay.use(project(hop.port))
})
// A client of its own for each: what is refused counts as a mistake.
beforeEach(async () => {
  client = new Client(relay.port)
  await client.reply()
  await client.ask('EHLO tenant.example')
})
afterEach(() => client.destroy())
after(async () => {
  await relay[Symbol.asyncDispose]()
  await hop.close()
})

const project = (port: number) => {
  const next = `{ host: 127.0.0.1, port: ${port}, tls: none }`
  return projectOf(`
name: smuggling
gateway: { hostname: gw.example.net }
tenants:
  - { name: one, kind: smtp, domains: [one.example], from: { addresses: [127.0.0.1] }, to: ${next}, outbound: { smarthost: ${next} } }
directory:
  - { internal: john@one.example, external: john@shared.example }
domains: [{ name: shared.example }]
`)
}

const evil =
  'MAIL FROM:<evil@x.example>\r\nRCPT TO:<victim@one.example>\r\nDATA\r\nX-Forged: boss@one.example\r\n\r\nGotcha\r\n'
const head = 'From: john@one.example\r\nTo: zoe@away.example\r\nMessage-ID: <1@one.example>\r\n'

const places: readonly (readonly [name: string, content: (sequence: string) => string])[] = [
  ['in the body', (s) => `${head}Subject: x\r\n\r\nbody${s}${evil}`],
  ['in a folded field', (s) => `${head}Subject: x\r\n folded${s} ${evil}\r\nbody\r\n`],
  ['right before the end', (s) => `${head}Subject: x\r\n\r\nbody\r\n${s}`],
]

async function envelope(): Promise<void> {
  client.send(Buffer.from('MAIL FROM:<john@one.example>\r\nRCPT TO:<zoe@away.example>\r\n'))
  assert.match(await client.reply(), /^250 /)
  assert.match(await client.reply(), /^250 /)
}

/** `cut`: the byte of the content behind which a new segment begins. */
async function byData(content: string, cut?: number): Promise<string> {
  await envelope()
  assert.match(await client.ask('DATA'), /^354 /)
  const bytes = Buffer.from(`${content}\r\n.\r\n`, 'latin1')
  client.send(bytes.subarray(0, cut ?? bytes.length))
  if (cut !== undefined) {
    for (let i = 0; i < 3; i++) await turn()
    client.send(bytes.subarray(cut))
  }
  return client.reply()
}

async function byBdat(content: string): Promise<string> {
  await envelope()
  const bytes = Buffer.from(content, 'latin1')
  client.send(Buffer.concat([Buffer.from(`BDAT ${bytes.length} LAST\r\n`), bytes]))
  return client.reply()
}

/** What the sender and the next hop saw of one message: one answer, and one message with one reading or none. */
async function judge(reply: string): Promise<void> {
  assert.match(reply, /^(?:250 2\.0\.0|55[04] 5\.6\.11?) /)
  assert.match(await client.ask('NOOP'), /^250 /)
  const messages = hop.messages.splice(0)
  assert.equal(messages.length, reply.startsWith('250') ? 1 : 0)
  for (const message of messages) assert.doesNotMatch(message.toString('latin1'), /\r(?!\n)|(?<!\r)\n|\0/)
  const commands = hop.lines.splice(0).join('\n')
  assert.doesNotMatch(commands, /evil|victim|Gotcha/)
}

for (const [name, sequence] of falseEnds)
  for (const [place, content] of places) {
    test(`${name} ${place}, by DATA, whole and cut at every byte`, async () => {
      const text = content(sequence)
      await judge(await byData(text))
      const at = text.indexOf(sequence)
      for (let cut = at - 1; cut <= at + sequence.length + 1; cut++) await judge(await byData(text, cut))
    })

    test(`${name} ${place}, by BDAT`, async () => judge(await byBdat(content(sequence))))
  }

test('the true end as content of BDAT leaves with its dot doubled', async () => {
  assert.match(await byBdat(`${head}\r\nbody\r\n.\r\n${evil}`), /^250 /)
  const [message] = hop.messages
  assert.match(message?.toString('latin1') ?? '', /body\r\n\.\.\r\nMAIL FROM:<evil@x\.example>/)
  await judge('250 2.0.0 seen')
})

test('to a hop that takes BDAT, bytes leave as they came: by count, so nothing can end early', async (t) => {
  const chunking = await startPeer()
  t.after(() => chunking.close())
  relay.use(project(chunking.port))
  t.after(() => relay.use(project(hop.port)))
  for (const [, sequence] of falseEnds) {
    assert.match(await byBdat(`${head}\r\nbody${sequence}${evil}`), /^250 /)
    assert.ok(chunking.messages.at(-1)?.includes(Buffer.from(`body${sequence}MAIL FROM`, 'latin1')))
  }
  assert.doesNotMatch(chunking.lines.join('\n'), /evil|victim|Gotcha/)
})

test('two messages in one segment are two, when the first one truly ends', async () => {
  await envelope()
  await client.ask('DATA')
  const second = 'MAIL FROM:<john@one.example>\r\nRCPT TO:<zoe@away.example>\r\nDATA\r\n'
  client.send(Buffer.from(`${head}\r\none\r\n.\r\n${second}`))
  for (const code of [/^250 2\.0\.0/, /^250 2\.1\.0/, /^250 2\.1\.5/, /^354 /]) assert.match(await client.reply(), code)
  client.send(Buffer.from(`${head}\r\ntwo\r\n.\r\n`))
  assert.match(await client.reply(), /^250 2\.0\.0/)
  assert.equal(hop.messages.splice(0).length, 2)
})
