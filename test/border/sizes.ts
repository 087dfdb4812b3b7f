/** Headers, MIME and sizes that are made to hurt: refused with a clear word, or passed on as they came, and soon. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../support/smtp-client.ts'
import { all, type Family, type Seen, shown, type Try } from './attack.ts'
import { startHops } from './hops.ts'
import { content, makeMark } from './letters.ts'
import { type Stage, sharedStage } from './stage.ts'

export const sizes: Family = {
  name: 'sizes',
  title: 'headers, MIME, sizes, and line ends hidden in what is configured (2.6, T7, T17)',
  async run({ attempt, isShort }) {
    const stage = await sharedStage()
    // Beside other tests a processor is shared; what takes more than its share grows without end.
    const within = isShort ? 10_000 : 3000
    const send: Send = (top, body, wanted) => sendLarge(stage, within, top, body, wanted)
    await headers(stage, attempt, send, within)
    await bodies(attempt, send, within, isShort)
    await sizesThatLie(stage, attempt)
    await injection(stage, attempt)
    await hopsThatTakeLess(attempt)
    await limitsOfTheProject(stage, attempt)
  },
}

type Send = (top: string, body: string, wanted: RegExp) => Promise<Seen>

/** Refused with this code, or passed with its bytes unchanged, within this time. */
async function sendLarge(stage: Stage, within: number, top: string, body: string, wanted: RegExp): Promise<Seen> {
  const mark = makeMark()
  const who = { ...stage.fabrikam, patienceMs: 20_000 }
  const text = content({ mark, from: 'zed@fabrikam.example', top, body })
  const started = performance.now()
  const { reply } = await stage.send(who, { from: '<ann@fabrikam.example>', to: ['<zoe@away.example>'], content: text })
  const ms = Math.round(performance.now() - started)
  const happened = `${reply.slice(0, 50)} (${ms} ms)`
  if (!wanted.test(reply) || ms > within) return { held: false, happened }
  if (!reply.startsWith('250')) return all(happened, [stage.found(mark).length === 0, 'it was sent'])
  const { raw } = await stage.arrival(mark)
  const wire = `${text}\r\n`.replaceAll(/(^|\r\n)\./g, '$1..')
  return all(`${happened}; as it came`, [raw.endsWith(wire), `${happened}; bytes changed`])
}

async function headers(stage: Stage, attempt: Try, send: Send, within: number): Promise<void> {
  const refused = `552 5.3.4 within ${within / 1000} s`
  const tooMuch: Readonly<Record<string, string>> = {
    '100,000 To fields': 'To: a@b.example\r\n'.repeat(100_000),
    '1,100 fields': Array.from({ length: 1100 }, (_, i) => `X-${i}: y\r\n`).join(''),
    'a header of 300 KiB': `X-A: ${'x'.repeat(900)}\r\n`.repeat(340),
    'one field of 1 MB without a fold': `X-Long: ${'x'.repeat(1_000_000)}\r\n`,
    'one field of 1 MB, folded': `X-Long: y\r\n${` ${'x'.repeat(900)}\r\n`.repeat(1100)}`,
    'folds of white space alone, 100,000': `X-Fold: y\r\n${' \r\n'.repeat(100_000)}`,
    '12,000 addresses in one To': `Cc: ${'a@b.example,\r\n '.repeat(4000)}c@b.example\r\n`.repeat(3),
    'a field without a colon, 100,000 times': 'nothing\r\n'.repeat(100_000),
  }
  for (const [attack, top] of Object.entries(tooMuch))
    await attempt(attack, refused, () => send(top, 'x', /^552 5\.3\.4 /))
  const deep: Readonly<Record<string, string>> = {
    'groups in groups, 3,000 deep': `Cc: ${'a:'.repeat(3000)};\r\n`,
    '20,000 open comments': `Cc: ${'('.repeat(20_000)}\r\n`,
    'comments in comments, 10,000 deep': `Cc: ${'('.repeat(10_000)}${')'.repeat(10_000)} a@b.example\r\n`,
    '20,000 open quotes': `Cc: ${'"\\'.repeat(20_000)}\r\n`,
    '60,000 commas': `Cc: ${','.repeat(60_000)}\r\n`,
    '60,000 angles': `Cc: ${'<'.repeat(60_000)}\r\n`,
    '900 Cc fields': 'Cc: a@b.example\r\n'.repeat(900),
    'raw 8-bit and UTF-8 in fields': 'X-Eight: \xff\xfe\xe4\r\nX-Utf: \xc3\xa4\r\nComments: \xc3\xa4 <x@y>\r\n',
    'empty field name, colon first': ': x\r\n:: y\r\n',
  }
  for (const [attack, top] of Object.entries(deep))
    await attempt(attack, `passed as it came, or 55x, within ${within / 1000} s`, () =>
      send(top, 'x', /^(?:250|55[02]) /),
    )
  await attempt('NUL in the header', '550', () => send('X-Nul: a\0b\r\n', 'x', /^550 5\.6\.11/))
  await attempt('NUL in the body', '550', () => send('', 'a\0b', /^550 5\.6\.11/))
  await attempt('NUL in a command', '501', () => command(stage, 'NOOP a\0b', /^501 /))
  await attempt('EHLO with a field after an escape', '501', () => command(stage, 'EHLO x\x1b[2J\rBcc: a@b', /^50[01] /))
  await attempt('EHLO name of 2,000 characters', 'cut: no line over 998 at the next hop', async () => {
    const mark = makeMark()
    const letter = { from: '<s@away.example>', to: ['<john@shared.example>'], content: content({ mark }) }
    const { reply } = await stage.send({ ehlo: 'x'.repeat(2000) }, letter)
    const { raw } = await stage.arrival(mark)
    const longest = Math.max(...raw.split('\r\n').map((line) => line.length))
    return { held: longest <= 998, happened: `${reply.slice(0, 9)}; longest line ${longest}` }
  })
}

async function command(stage: Stage, line: string, wanted: RegExp): Promise<Seen> {
  const client = await stage.visit()
  client.send(Buffer.from(`${line}\r\n`, 'latin1'))
  const reply = await client.reply()
  client.destroy()
  return { held: wanted.test(reply), happened: reply }
}

async function bodies(attempt: Try, send: Send, within: number, isShort: boolean): Promise<void> {
  const asCame = `passed as it came, within ${within / 1000} s`
  const megabytes = isShort ? 5 : 10
  const mime = (boundary: string): string =>
    `MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="${boundary}"\r\n`
  const nested = Array.from(
    { length: 2000 },
    (_, i) => `--b${i}\r\nContent-Type: multipart/mixed; boundary="b${i + 1}"\r\n\r\n`,
  ).join('')
  const cases: Readonly<Record<string, readonly [top: string, body: string]>> = {
    [`one line of ${megabytes} MB`]: ['', 'x'.repeat(megabytes * 1_000_000)],
    '4 MB of dots, one a line': ['', '.\r\n'.repeat(1_333_333)],
    '2,000 nested multiparts': [mime('b0'), nested],
    '100,000 parts': [mime('b'), '--b\r\n\r\nx\r\n'.repeat(100_000)],
    'a boundary of 900 characters': [mime('b'.repeat(900)), `--${'b'.repeat(900)}\r\n\r\nx`],
    'multipart whose boundary is that of its parent': [
      mime('b'),
      '--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n'.repeat(200),
    ],
    'message/rfc822 in message/rfc822, 1,000 deep': [
      'MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n',
      'Content-Type: message/rfc822\r\n\r\n'.repeat(1000),
    ],
    'message/partial': [
      'MIME-Version: 1.0\r\nContent-Type: message/partial; id=x; number=1; total=2\r\n',
      'From: ann@fabrikam.example\r\n\r\nx',
    ],
    'message/external-body': [
      'MIME-Version: 1.0\r\nContent-Type: message/external-body; access-type=local-file; name="/etc/passwd"\r\n',
      '\r\n',
    ],
    'TNEF (winmail.dat)': [
      'MIME-Version: 1.0\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n',
      'eJ8+IgEGkAgABAAAAAAAAQABAAEHkAYACAAAAOQEAAAAAAAA6AAB',
    ],
    'a calendar of 3 MB in one line': [
      'MIME-Version: 1.0\r\nContent-Type: text/calendar\r\n',
      `BEGIN:VCALENDAR\r\nX:${'y'.repeat(3_000_000)}\r\nEND:VCALENDAR`,
    ],
    'a calendar with 100,000 attendees of ours': [
      'MIME-Version: 1.0\r\nContent-Type: text/calendar\r\n',
      'ATTENDEE:mailto:zed@fabrikam.example\r\n'.repeat(100_000),
    ],
    'a calendar with 200,000 attendees': [
      'MIME-Version: 1.0\r\nContent-Type: text/calendar\r\n',
      'ATTENDEE:mailto:a@b.example\r\n'.repeat(200_000),
    ],
  }
  for (const [attack, [top, body]] of Object.entries(cases))
    await attempt(attack, asCame, () => send(top, body, /^250 /))
}

async function sizesThatLie(stage: Stage, attempt: Try): Promise<void> {
  const wanted: Readonly<Record<string, RegExp>> = {
    'SIZE=99999999999999999999': /^552 5\.3\.4 /,
    'SIZE=157286401': /^552 5\.3\.4 /,
    'SIZE=-1': /^501 /,
    'SIZE=1e3': /^501 /,
    'SIZE=0x10': /^501 /,
    'SIZE=': /^501 /,
    'SIZE=1 SIZE=2': /^501 /,
    'BODY=9BIT': /^501 /,
    'X-NOBODY=1': /^555 /,
  }
  for (const [parameter, reply] of Object.entries(wanted))
    await attempt(`MAIL with ${parameter}`, reply.source.slice(1, 4), () =>
      command(stage, `MAIL FROM:<a@b.example> ${parameter}`, reply),
    )
  await attempt('SIZE=10, then 1 MB', 'taken by its real size, or 552', async () => {
    const mark = makeMark()
    const letter = {
      from: '<ann@fabrikam.example> SIZE=10',
      to: ['<zoe@away.example>'],
      content: content({ mark, body: 'x\r\n'.repeat(300_000) }),
    }
    const { reply } = await stage.send({ ...stage.fabrikam, patienceMs: 20_000 }, letter)
    return { held: /^(?:250|552) /.test(reply), happened: reply }
  })
}

const hidden: Readonly<Record<string, string>> = {
  'CR LF and a field': '\r\nBcc: x@away.example',
  'a bare CR': '\r',
  'a bare LF': '\n',
  NUL: '\0',
  'an escape': '\x1b',
  'a tab': '\t',
  DEL: '\x7f',
  'C1, next line': '\u0085',
  'line separator': '\u2028',
  'paragraph separator': '\u2029',
  'bidi override': '\u202e',
  'bidi isolate': '\u2066',
  'zero width space': '\u200b',
  'byte order mark': '\ufeff',
}

/** At every entry of the directory: API, CSV file, project file. */
async function injection(stage: Stage, attempt: Try): Promise<void> {
  const before = await stage.ask('GET', '/v1/directory')
  const judge = async (refusal: string, isRefused: boolean): Promise<Seen> => {
    const after = await stage.ask('GET', '/v1/directory')
    return all(shown(refusal), [isRefused, shown(refusal)], [after.text === before.text, 'the directory has changed'])
  }
  const refused = 'refused, the directory stays as it was'
  for (const [name, text] of Object.entries(hidden)) {
    const address = `hid${text}den@shared.example`
    await attempt(`API: external address with ${name}`, refused, async () => {
      const entry = { internal: 'hidden@contoso.example', external: address }
      const { status, text: answer } = await stage.ask('POST', '/v1/directory', { put: [entry] })
      return judge(`${status} ${answer.slice(0, 200)}`, status >= 400 && status < 500)
    })
    await attempt(`CSV: target with ${name}`, refused, async () => {
      const file = join(stage.dir, 'hidden.csv')
      writeFileSync(file, `Source,Target,Mode\n"hidden@contoso.example","${address}",DayOne\n`)
      const { status, text: answer } = await stage.ask('POST', '/v1/directory/import', { file })
      return judge(`${status} ${answer.slice(0, 200)}`, status >= 400 && status < 500)
    })
    await attempt(`project file: external address with ${name}`, refused, async () => {
      const entry = `  - { internal: hidden@contoso.example, external: ${JSON.stringify(address)} }\n`
      return stage
        .apply((project) => project.replace('directory:\n', `directory:\n${entry}`))
        .then(() => judge('it was applied', false))
        .catch((error: unknown) => judge(String(error), true))
    })
  }
  await stage.apply((text) => text)
}

/** What a hop cannot take is refused before it is sent: never converted under a signature, never mangled. */
async function hopsThatTakeLess(attempt: Try): Promise<void> {
  await using hops = await startHops({
    seven: { tlsPolicy: 'none', extensions: ['PIPELINING'] },
    ascii: { tlsPolicy: 'none', extensions: ['PIPELINING', '8BITMIME'] },
  })
  const refusedUnsent = async (name: string, text: string, parameters: string, person: string, wanted: RegExp) => {
    const { reply } = await hops.send(name, text, parameters, person)
    await sleep(50)
    return all(reply, [wanted.test(reply), reply], [hops.of(name).arrivals.length === 0, 'it was sent'])
  }
  const plain = content({ mark: makeMark(), from: 's@sender.example' })
  await attempt('8-bit body, next hop without 8BITMIME', '554 5.6.3, not sent', () =>
    refusedUnsent('seven', `${plain}\r\n\xc3\xa4`, ' BODY=8BITMIME', 'u', /^55\d 5\.6\.3 /),
  )
  await attempt('international recipient, next hop without SMTPUTF8', '550 or 553 5.6.7, not sent', () =>
    refusedUnsent('ascii', plain, ' SMTPUTF8', 'jos\xc3\xa9', /^55\d 5\.6\.7 /),
  )
  await attempt('international recipient without SMTPUTF8', '553 5.6.7', () =>
    refusedUnsent('ascii', plain, '', 'jos\xc3\xa9', /^553 5\.6\.7 /),
  )
}

/** `gateway.limits`, and the name in the greeting: from the next connection on, without a restart. */
async function limitsOfTheProject(stage: Stage, attempt: Try): Promise<void> {
  const address = '127.98.0.1'
  await attempt('limits of the project, applied while it runs', 'they count, each with its name', async () => {
    const limits = 'limits: { messageSize: 2MB, recipients: 100, connectionsPerSource: 1 }'
    await stage.apply((text) => text.replace('hostname: gw.example.net,', `hostname: gw2.example.net, ${limits},`))
    const client = await stage.visit({ address })
    const second = new Client(stage.port, address)
    const turnedAway = await second.reply('greeting')
    second.destroy()
    client.send(Buffer.from('EHLO x\r\n'))
    const offered: string[] = []
    do offered.push(await client.line('EHLO'))
    while (offered.at(-1)?.[3] === '-')
    const large = await client.ask('MAIL FROM:<s@away.example> SIZE=2000001')
    const answers = [await client.ask('MAIL FROM:<s@away.example>')]
    for (let i = 0; i < 101; i += 1) answers.push(await client.ask(`RCPT TO:<john+${i}@shared.example>`))
    client.destroy()
    await stage.apply((text) => text)
    const { text: metrics } = await stage.ask('GET', '/metrics')
    return all(
      `${turnedAway}; ${large}; ${answers.at(-1) ?? ''}`,
      [turnedAway.startsWith('421 4.7.0 too many connections from your address'), turnedAway],
      [offered[0]?.startsWith('250-gw2.example.net') === true, offered[0] ?? ''],
      [offered.some((line) => line.endsWith('SIZE 2000000')), offered.join(' / ')],
      [large.startsWith('552 5.3.4'), large],
      [answers.slice(0, 101).every((answer) => answer.startsWith('250')), answers.join(' / ')],
      [answers.at(-1)?.startsWith('452 4.5.3') === true, answers.at(-1) ?? ''],
      [/causeway_limit_total\{limit="connectionsPerSource"\} [1-9]/.test(metrics), 'not counted'],
    )
  })
}
