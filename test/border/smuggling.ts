/**
 * SMTP smuggling: what some server takes for the end of a message stays inside of it, wherever it stands and wherever the network
 * cuts it, and leaves without a bare CR, a bare LF or NUL.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { falseEnds } from '../support/end-of-data.ts'
import type { Client } from '../support/smtp-client.ts'
import { all, type Family, type Seen, type Try } from './attack.ts'
import { content, makeMark } from './letters.ts'
import { type Stage, sharedStage } from './stage.ts'

export const smuggling: Family = {
  name: 'smuggling',
  title: 'one message stays one message, in and out (2.1, T3)',
  async run({ attempt }) {
    const stage = await sharedStage()
    for (const [name, sequence] of falseEnds) {
      for (const [place, build] of places)
        await attempt(`${name} ${place}, whole and cut at every byte`, oneOrNone, () =>
          cutEverywhere(stage, sequence, build),
        )
      await attempt(`${name} as content of BDAT, whole and cut at every byte`, 'one message or none', () =>
        byBdat(stage, sequence, true),
      )
      await attempt(`${name} as content of BDAT, the same, to a hop without`, oneOrNone, () =>
        byBdat(stage, sequence, false),
      )
    }
    await attempt('all of them behind a header that is too large', 'refused once, at the true end', () =>
      tooLarge(stage, `X-Large: ${'x'.repeat(70_000)}\r\n\r\n`, 1),
    )
    await attempt('all of them behind 150 MB and more', 'refused once, at the true end', () =>
      tooLarge(stage, `X: y\r\n\r\n${`${'x'.repeat(1022)}\r\n`.repeat(1024)}`, 151),
    )
    await ordinary(stage, attempt)
  },
}

const oneOrNone = 'one message or none; no bare CR, LF, NUL out'

const evil =
  'MAIL FROM:<evil@x.example>\r\nRCPT TO:<victim@contoso.example>\r\nDATA\r\nX-Forged: boss@contoso.example\r\n\r\nGotcha\r\n'

type Build = (mark: string, sequence: string) => string
const places: readonly (readonly [name: string, build: Build])[] = [
  ['in the body', (mark, s) => content({ mark, body: `body${s}${evil}` })],
  [
    'in a folded field',
    (mark, s) => content({ mark, top: `X-Folded: a\r\n b${s} ${evil.replaceAll('\r\n', '\r\n ')}\r\n` }),
  ],
  ['right before the true end', (mark, s) => content({ mark, body: `body\r\n${s}` })],
]

async function envelope(client: Client, to = 'zoe@away.example'): Promise<void> {
  client.send(Buffer.from(`MAIL FROM:<ann@fabrikam.example>\r\nRCPT TO:<${to}>\r\n`))
  await client.reply()
  await client.reply()
}

async function cutEverywhere(stage: Stage, sequence: string, build: Build): Promise<Seen> {
  const client = await stage.visit(stage.fabrikam)
  const replies = new Set<string>()
  const tries = sequence.length + 3
  try {
    // Refused content counts as a mistake of the client; ten are fewer than it may make.
    for (let cut = -1; cut < tries - 1; cut += 1) {
      const mark = makeMark()
      const bytes = Buffer.from(`${build(mark, sequence)}\r\n.\r\n`, 'latin1')
      const at = cut < 0 ? bytes.length : bytes.indexOf(Buffer.from(sequence, 'latin1')) + cut
      await envelope(client)
      await client.ask('DATA')
      client.send(bytes.subarray(0, at))
      if (at < bytes.length) await sleep(2)
      client.send(bytes.subarray(at))
      const reply = await client.reply('end of DATA')
      replies.add(reply.slice(0, 10))
      const seen = judge(stage, mark, reply, await client.ask('NOOP'))
      if (!seen.held) return { ...seen, happened: `cut at ${cut}: ${seen.happened}` }
    }
  } finally {
    client.destroy()
  }
  return { held: true, happened: `${tries} times: ${[...replies].join(', ')}` }
}

/** fabrikam's server has no CHUNKING, the one of the outside has. A cut is one between two chunks, too. */
async function byBdat(stage: Stage, sequence: string, hopTakesBdat: boolean): Promise<Seen> {
  const client = await stage.visit(hopTakesBdat ? stage.fabrikam : {})
  const replies = new Set<string>()
  try {
    for (let cut = 0; cut <= sequence.length; cut += 1) {
      const mark = makeMark()
      const bytes = Buffer.from(content({ mark, body: `body${sequence}${evil}` }), 'latin1')
      const at = bytes.indexOf(Buffer.from(sequence, 'latin1')) + cut
      await envelope(client, hopTakesBdat ? 'zoe@away.example' : 'ann@shared.example')
      if (cut > 0) {
        client.send(Buffer.concat([Buffer.from(`BDAT ${at}\r\n`), bytes.subarray(0, at)]))
        await client.reply('BDAT')
      }
      const rest = bytes.subarray(cut > 0 ? at : 0)
      client.send(Buffer.concat([Buffer.from(`BDAT ${rest.length} LAST\r\n`), rest]))
      const reply = await client.reply('BDAT LAST')
      replies.add(reply.slice(0, 10))
      const seen = judge(stage, mark, reply, await client.ask('NOOP'), hopTakesBdat)
      if (!seen.held) return { ...seen, happened: `cut at ${cut}: ${seen.happened}` }
    }
  } finally {
    client.destroy()
  }
  return { held: true, happened: `${sequence.length + 1} times: ${[...replies].join(', ')}` }
}

/** Taken; NUL; not for a hop without 8 bits; or a header that ends at a line with a dot alone, and so has no From. */
const isOneAnswer = /^(?:250 2\.0\.0|550 5\.6\.11?|554 5\.6\.[13]|550 5\.7\.1) /

/** What the client was told, and what stands at the next hops: the second message that never was must be nowhere. */
function judge(stage: Stage, mark: string, reply: string, noop: string, byCount = false): Seen {
  const copies = stage.found(mark)
  const taken = reply.startsWith('250')
  const [copy] = copies
  // A next hop that takes BDAT too gets the bytes as they came: it counts them (docs/decisions/bare-line-ends.md).
  const bare = !byCount && /\r(?!\n)|(?<!\r)\n|\0/.test(copy?.raw ?? '')
  const said = Object.values(stage.sinks).flatMap(({ lines }) => lines)
  return all(
    reply,
    [isOneAnswer.test(reply), reply],
    [noop.startsWith('250'), `then NOOP: ${noop}`],
    [copies.length === (taken ? 1 : 0), `${reply}, and ${copies.length} copies`],
    [!bare, 'bare line ends or NUL at the next hop'],
    [!said.some((line) => /evil@x|victim@contoso|Gotcha/.test(line)), 'the next hop was given the second message'],
  )
}

async function tooLarge(stage: Stage, block: string, times: number): Promise<Seen> {
  const client = await stage.visit({ ...stage.fabrikam, patienceMs: 60_000 })
  const mark = makeMark()
  await envelope(client)
  await client.ask('DATA')
  client.send(Buffer.from(`Subject: ${mark}\r\n`))
  const bytes = Buffer.from(block)
  for (let i = 0; i < times; i += 1) {
    client.send(bytes)
    if (client.unsent > 8 * 1024 * 1024) await sleep(5)
  }
  for (const [, sequence] of falseEnds) client.send(Buffer.from(`\r\nx${sequence}${evil}`, 'latin1'))
  client.send(Buffer.from('\r\n.\r\n'))
  const reply = await client.reply('end of DATA')
  const noop = await client.ask('NOOP')
  const unread = client.unread()
  client.destroy()
  return all(
    `${reply}; NOOP: ${noop}`,
    [/^55[02] /.test(reply), reply],
    [noop.startsWith('250'), noop],
    [unread.length === 0, `more replies: ${unread.join(' / ')}`],
    [stage.found(mark).length === 0, 'it was sent'],
  )
}

/** What is allowed, and what is not quite. */
async function ordinary(stage: Stage, attempt: Try): Promise<void> {
  await attempt('two messages in one segment, the first truly ends', 'two messages', async () => {
    const client = await stage.visit(stage.fabrikam)
    const [one, two] = [makeMark(), makeMark()]
    await envelope(client)
    await client.ask('DATA')
    const next = 'MAIL FROM:<ann@fabrikam.example>\r\nRCPT TO:<zoe@away.example>\r\nDATA\r\n'
    client.send(Buffer.from(`${content({ mark: one })}\r\n.\r\n${next}`))
    const replies = [await client.reply(), await client.reply(), await client.reply(), await client.reply()]
    client.send(Buffer.from(`${content({ mark: two })}\r\n.\r\n`))
    replies.push(await client.reply())
    client.destroy()
    const codes = replies.map((reply) => reply.slice(0, 3)).join(' ')
    const copies = stage.found(one).length + stage.found(two).length
    return all(codes, [codes === '250 250 250 354 250', codes], [copies === 2, `${copies} messages`])
  })
  await attempt('CR before CRLF.CRLF, which is a true end', 'it ends; the bare CR leaves as CRLF', async () => {
    const client = await stage.visit(stage.fabrikam)
    const mark = makeMark()
    await envelope(client)
    await client.ask('DATA')
    client.send(Buffer.from(`${content({ mark, body: 'body\r' })}\r\n.\r\nNOOP\r\n`))
    const replies = [await client.reply(), await client.reply()]
    const seen = judge(stage, mark, replies[0] ?? '', replies[1] ?? '')
    client.destroy()
    return { ...seen, happened: replies.map((reply) => reply.slice(0, 9)).join(', ') }
  })
  await attempt('content in one segment with DATA, before 354', 'refused, nothing sent', async () => {
    const client = await stage.visit(stage.fabrikam)
    const mark = makeMark()
    await envelope(client)
    client.send(Buffer.from(`DATA\r\n${content({ mark })}\r\n.\r\n`))
    const reply = await client.reply()
    client.destroy()
    return all(reply, [reply.startsWith('5'), reply], [stage.found(mark).length === 0, 'it was sent'])
  })
  await attempt('the true end as content of BDAT', 'one message, its dot doubled where it leaves by DATA', async () => {
    const client = await stage.visit(stage.fabrikam)
    const mark = makeMark()
    const bytes = Buffer.from(content({ mark, body: `body\r\n.\r\n${evil}` }))
    await envelope(client)
    client.send(Buffer.concat([Buffer.from(`BDAT ${bytes.length} LAST\r\n`), bytes]))
    const reply = await client.reply()
    const seen = judge(stage, mark, reply, await client.ask('NOOP'), true)
    client.destroy()
    return seen
  })
}
