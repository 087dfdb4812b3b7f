/**
 * Nobody relays by tricks with addresses. Everything that is accepted arrives with the recipient as it was written, at the
 * tenant whose domain stands behind the last @, and nowhere else.
 */
import type { Client } from '../support/smtp-client.ts'
import { all, type Family, type Seen, type Try } from './attack.ts'
import { content, makeMark } from './letters.ts'
import { type Stage, sharedStage } from './stage.ts'
import { strangeAddress, visit, type Who } from './visitor.ts'

export const relay: Family = {
  name: 'relay',
  title: 'no relay for strangers, no trick with an address (2.3, T2, T10)',
  async run({ attempt }) {
    const stage = await sharedStage()
    await strangers(stage, attempt)
    await tricks(stage, attempt, 'a stranger', {}, '<s@away.example>', 'open.example')
    await tricks(stage, attempt, 'fabrikam', stage.fabrikam, '<ann@fabrikam.example>', 'contoso.example')
    await bounceForms(stage, attempt)
    await afterRewriting(stage, attempt)
    await harvesting(stage, attempt)
  },
}

// As in lists of open relay tests: F is foreign, M our name, I our address.
const F = 'away.example'
const M = 'gw.example.net'
const I = '[127.0.0.1]'

const matrix: readonly (readonly [mail: string, rcpt: string])[] = [
  ['<>', `<u@${F}>`],
  [`<s@${F}>`, `<u@${F}>`],
  [`<s@${M}>`, `<u@${F}>`],
  [`<s@${I}>`, `<u@${F}>`],
  ['<s@localhost>', `<u@${F}>`],
  ['<s>', `<u@${F}>`],
  ...[
    `<u%${F}@${I}>`,
    `<u%${F}@${M}>`,
    `<"u@${F}">`,
    `<"u%${F}">`,
    `<u@${F}@${I}>`,
    `<"u@${F}"@${I}>`,
    `<u@${F}@${M}>`,
    `<@${I}:u@${F}>`,
    `<@${M}:u@${F}>`,
    `<${F}!u>`,
    `<${F}!u@${I}>`,
    `<${F}!u@${M}>`,
    `u@${F}`,
    `< u@${F}>`,
    `<postmaster@${F}>`,
    `<u@${I}>`,
    '<u@[IPv6:::1]>',
  ].map((rcpt) => [`<s@${I}>`, rcpt] as const),
  // A sender that looks like one of ours proves nothing.
  ['<john@contoso.example>', `<u@${F}>`],
  ['<john@shared.example>', `<u@${F}>`],
  ['<ann@fabrikam.example>', `<u@${F}>`],
]

async function strangers(stage: Stage, attempt: Try): Promise<void> {
  for (const [mail, rcpt] of matrix)
    await attempt(`stranger: MAIL FROM:${mail} RCPT TO:${rcpt}`, 'refused at MAIL or RCPT', async () => {
      const client = await stage.visit()
      const from = await say(client, `MAIL FROM:${mail}`)
      const to = await say(client, `RCPT TO:${rcpt}`)
      client.destroy()
      return { held: !to.startsWith('2'), happened: from.startsWith('2') ? to : from }
    })
}

const utf8 = (text: string): string => Buffer.from(text).toString('latin1')

/** What the mapping of UTS 46, or NFKC, turns into an at sign, a dot, a slash, nothing, or a letter of the domain. */
const lookAlikes = (D: string): readonly string[] =>
  [
    `u\uff20${F}@${D}`,
    `b@${D}\uff20${F}`,
    `b@${D}\u3002${F}`,
    `b@${D}\uff0e${F}`,
    `b@${F}\uff0f.${D}`,
    `b@${F}\u2024${D}`,
    `b@${D.replace('n', '\uff4e')}`,
    `b@${D.replace('n', 'n\u00ad')}`,
    `b@${D.replace('n', 'n\u200d')}`,
    `b@${D.replace('e', '\u0435')}`,
    `b@${D}\u200b`,
  ].map((path) => `<${utf8(path)}> SMTPUTF8`)

/** `D` is a domain whose unknown people reach contoso; `u` is nobody. */
const tricksAt = (D: string): readonly string[] => [
  `<u%${F}@${D}>`,
  `<u@${F}@${D}>`,
  `<"u@${F}"@${D}>`,
  `<@${D}:u@${F}>`,
  `<@${D},@${M}:u@${F}>`,
  `<u@${F}\0@${D}>`,
  `<u@${F}(@${D}>`,
  `<u%${F}(@${D}>`,
  `<u@${F}(@${D})>`,
  `<b@${D} u@${F}>`,
  `<b@${D}>,<u@${F}>`,
  `<b@${D}> <u@${F}>`,
  `<"x> ORCPT=rfc822;u@${F}"@${D}>`,
  `<"foo\\"@${D}> ORCPT=test;admin"@${D}>`,
  `<u@${D}> ORCPT=rfc822;u@${F}`,
  `<u@${D}.${F}>`,
  `<u@${F}.>`,
  `<u@${F}%${D}>`,
  `<b@${D}\u00c5\u0080${F}>`,
  `<b\u00c5\u0080${F}@${D}>`,
  `<b@${D}\u00c5\u0080${F}> SMTPUTF8`,
  `<=?utf-8?q?u=40${F}=3e?=@${D}>`,
  `<=?x?q?=40=3e=00?=@${D}>`,
  `<=?utf-8?q?abc=40${F}=3e=20?=user@${D}>`,
  `<=?utf-7?q?a&AEA-${F}?=@${D}>`,
  `<a&AEA-${F}@${D}>`,
  `<a+AEA-${F}@${D}>`,
  ...lookAlikes(D),
  '<u@[IPv6:::1]>',
  '<u@[127.0.0.1]>',
  '<u@2130706433>',
  '<u@0177.0.0.1>',
  '<u@169.254.169.254>',
  '<u@[::1]>',
  '<u@[IPv6:::ffff:169.254.169.254]>',
  '<u@localhost>',
  '<u@localhost.>',
  `<u@xn--0049.${D}>`,
  `<x@xn--svg/-9x6.${D}>`,
  `<u@xn--${F}>`,
  `<${F}!u@${D}>`,
  `<u@${D}\r\n RCPT TO:<u@${F}>`,
  `<u@${D}\nRCPT TO:<u@${F}>>`,
  `<u@${D}\rRCPT TO:<u@${F}>>`,
  `<u\\@${F}@${D}>`,
  `<"u"@${F}"@${D}>`,
  `<u@${D}@>`,
  `<@${D}>`,
  `<u@@${D}>`,
]

async function tricks(stage: Stage, attempt: Try, name: string, who: Who, from: string, domain: string): Promise<void> {
  for (const rcpt of tricksAt(domain))
    await attempt(`${name}: RCPT TO:${rcpt}`, 'refused, or arrives as it was written', () =>
      literally(stage, who, from, rcpt),
    )
}

/** The domain is the one behind the last @: contoso's own, or one of the outside, where only a tenant may write. */
async function literally(stage: Stage, who: Who, from: string, given: string): Promise<Seen> {
  const rcpt = given.replace(' SMTPUTF8', '')
  const mark = makeMark()
  const client = await visit(stage.port, who)
  const mail = await say(client, `MAIL FROM:${from}${rcpt === given ? '' : ' SMTPUTF8'}`)
  const reply = await say(client, `RCPT TO:${rcpt}`)
  // Whatever the line meant: it must not have made another recipient. A bare LF is answered and the connection closed.
  const data = await say(client, 'DATA').catch(() => '421 closed')
  if (!data.startsWith('354')) {
    client.destroy()
    return all(reply, [mail.startsWith('2'), mail], [!reply.startsWith('2'), `${reply}, then ${data}`])
  }
  client.send(Buffer.from(`${content({ mark })}\r\n.\r\n`, 'latin1'))
  const end = await client.reply('end of DATA')
  client.destroy()
  if (!end.startsWith('2')) return all(`${reply}, then ${end}`, [stage.found(mark).length === 0, 'sent nevertheless'])
  await stage.arrival(mark)
  const [only, ...others] = stage.found(mark)
  const [to = '', ...more] = only?.to ?? []
  const path = /^(?:<"(?:[^"\\]|\\.)*"@[^>]*>|<[^>]*>)/.exec(rcpt)?.[0] ?? rcpt
  const domain = path.slice(path.lastIndexOf('@') + 1, -1)
  const home = homes.has(domain) ? 'contoso' : who.certificate === undefined ? 'nowhere' : 'outside'
  return all(
    `at ${only?.at ?? ''} as ${to}`,
    [others.length === 0 && more.length === 0, `${others.length + 1} copies, for ${to} ${more.join(' ')}`],
    [to.startsWith(path), `became ${to}`],
    [only?.at === home, `went to ${only?.at ?? ''}, not to ${home}`],
  )
}
const homes: ReadonlySet<string> = new Set(['open.example', 'contoso.example'])

/** Forms that other servers turn back into the address within. We never do, so they cannot lead outside. */
async function bounceForms(stage: Stage, attempt: Try): Promise<void> {
  const forms = [
    `SRS0=hhhh=tt=${F}=u@open.example`,
    `SRS1=hhhh=${F}==hhhh=tt=${F}=u@open.example`,
    `prvs=1234abcdef=u%${F}@open.example`,
    `bounce+u=${F}@open.example`,
    `u+x@${F}@open.example`,
    `u=${F}@open.example`,
  ]
  for (const form of forms)
    await attempt(`stranger: RCPT TO:<${form}>`, 'refused, or arrives as it was written', () =>
      literally(stage, {}, '<>', `<${form}>`),
    )
  await attempt('stranger: known person with a tag that is an address', 'arrives inside, nothing outside', async () => {
    const mark = makeMark()
    const letter = { from: '<s@away.example>', to: ['<ann+u%away.example@shared.example>'], content: content({ mark }) }
    const { reply } = await stage.send({}, letter)
    const { at, to } = await stage.arrival(mark)
    const happened = `${reply.slice(0, 9)} at ${at} as ${to[0] ?? ''}`
    return { held: at === 'fabrikam' && to[0]?.startsWith('<ann+u%away.example@fabrikam.example>') === true, happened }
  })
}

async function say(client: Client, line: string): Promise<string> {
  client.send(Buffer.from(`${line}\r\n`, 'latin1'))
  return client.reply(line)
}

/** What an entry leads to is judged when the entry comes: nothing that is rewritten later can lead outside. */
async function afterRewriting(stage: Stage, attempt: Try): Promise<void> {
  const entries = {
    'a mailbox in a foreign domain': { internal: `u@${F}`, external: 'u@shared.example' },
    'a domain entry into a foreign domain': { internal: `@${F}`, external: '@open.example' },
    'a mailbox at an address literal': { internal: 'u@[192.0.2.1]', external: 'u@shared.example' },
    'a mailbox at a name below a domain of ours': { internal: 'u@x.contoso.example', external: 'u@shared.example' },
    'a foreign external address': { internal: 'u@contoso.example', external: `u@${F}` },
  }
  for (const [attack, entry] of Object.entries(entries))
    await attempt(`directory entry: ${attack}`, 'refused, the directory stays as it was', async () => {
      const before = await stage.ask('GET', '/v1/directory')
      const { status, text } = await stage.ask('POST', '/v1/directory', { put: [entry] })
      const after = await stage.ask('GET', '/v1/directory')
      return all(`${status} ${text}`, [status >= 400 && status < 500, text], [before.text === after.text, 'it changed'])
    })
}

async function harvesting(stage: Stage, attempt: Try): Promise<void> {
  await attempt('VRFY of somebody known and somebody unknown', 'the same answer', () =>
    sameAnswer(stage, 'VRFY john@shared.example', 'VRFY nobody@shared.example'),
  )
  await attempt('EXPN', '502', async () => {
    const client = await stage.visit()
    const reply = await say(client, 'EXPN staff')
    client.destroy()
    return { held: reply.startsWith('502'), happened: reply }
  })
  await attempt('unknown and known recipients: time of the answer to RCPT', 'medians less than 2 ms apart', () =>
    timing(stage),
  )
  await attempt('1,000 unknown recipients from one source, then one more', 'slowed down, known or not', () =>
    slowedDown(stage),
  )
}

async function sameAnswer(stage: Stage, one: string, other: string): Promise<Seen> {
  const client = await stage.visit()
  const [first, second] = [await say(client, one), await say(client, other)]
  client.destroy()
  return { held: first === second, happened: first === second ? first : `${first} / ${second}` }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

async function timing(stage: Stage): Promise<Seen> {
  const took = { known: [] as number[], unknown: [] as number[] }
  for (let round = 0; round < 16; round += 1) {
    const client = await visit(stage.port, { address: strangeAddress() })
    await say(client, 'MAIL FROM:<s@away.example>')
    // Fewer mistakes than a client may make, and fewer than a source may.
    for (let i = 0; i < 15; i += 1)
      for (const kind of i % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)) {
        const to = kind === 'known' ? 'john' : `nobody${i}`
        const from = performance.now()
        await say(client, `RCPT TO:<${to}@shared.example>`)
        took[kind].push(performance.now() - from)
      }
    client.destroy()
  }
  const [known, unknown] = [median(took.known), median(took.unknown)]
  const happened = `240 of each: known ${known.toFixed(2)} ms, unknown ${unknown.toFixed(2)} ms`
  return { held: Math.abs(known - unknown) < 2, happened }
}

/** 15 in a connection: fewer mistakes than it may make. */
async function slowedDown(stage: Stage): Promise<Seen> {
  const who = { address: strangeAddress(), patienceMs: 1500 }
  let asked = 0
  for (let isSlow = false; !isSlow && asked < 1200; ) {
    const client = await visit(stage.port, who)
    await say(client, 'MAIL FROM:<s@away.example>')
    for (let i = 0; i < 15 && !isSlow; i += 1) {
      isSlow = (await say(client, `RCPT TO:<nobody${asked}@shared.example>`).catch(() => '')) === ''
      asked += 1
    }
    client.destroy()
  }
  const client = await visit(stage.port, who)
  await say(client, 'MAIL FROM:<s@away.example>')
  const known = await say(client, 'RCPT TO:<john@shared.example>').catch(() => 'nothing in 1.5 s')
  client.destroy()
  const happened = `slow after ${asked - 1}; then for somebody known: ${known}`
  return { held: asked < 1200 && known === 'nothing in 1.5 s', happened }
}
