/** What we sign cannot be used for anything else; what others say in our name is taken out; what we find out is never a guess. */

import { missing } from '../support/program.ts'
import { dkimVerdicts, type KnownRecords } from '../support/python-dkim.ts'
import { all, type Family, type Seen, type Try } from './attack.ts'
import { content, fieldOf, fieldsOf, makeMark } from './letters.ts'
import { type Stage, sharedStage } from './stage.ts'

export const dkim: Family = {
  name: 'dkim',
  title: 'signatures, results and seals: DKIM, ARC, Authentication-Results (2.5, T8)',
  cannot: () => missing('dkimverify') || undefined,
  async run({ attempt }) {
    const stage = await sharedStage()
    await ours(stage, await publish(stage), attempt)
    await forgedResults(stage, attempt)
    await wordsOfTheOrganisation(stage, attempt)
    await hostileSignatures(stage, attempt)
    await seals(stage, attempt)
    await noAnswer(stage, attempt)
    await hangingDns(stage, attempt)
  },
}

/** The records of our keys, also for the gateway itself. */
async function publish(stage: Stage): Promise<KnownRecords> {
  await stage.ask('POST', '/v1/dkim/shared.example')
  const { text } = await stage.ask('GET', '/v1/dkim')
  const { records } = JSON.parse(text) as { records: readonly { name: string; text: string }[] }
  for (const record of records) stage.dns.add({ name: record.name, type: 'TXT', text: record.text })
  return Object.fromEntries(records.map((record) => [record.name.replace(/\.$/, ''), record.text]))
}

/** Of Python's dkim. `wire` has its dots doubled. */
const verdictOn = (known: KnownRecords, wire: string): string =>
  dkimVerdicts(wire.replaceAll(/(^|\r\n)\.\./g, '$1.'), { host: '127.0.0.1', port: 9, known }).join('; ')

async function ours(stage: Stage, known: KnownRecords, attempt: Try): Promise<void> {
  const mark = makeMark()
  const text = content({ mark, from: 'Ann <ann@fabrikam.example>' })
  await stage.send(stage.fabrikam, { from: '<ann@fabrikam.example>', to: ['<zoe@away.example>'], content: text })
  const { raw } = await stage.arrival(mark)
  const signature = fieldOf(raw, 'dkim-signature') ?? ''
  const tag = (name: string): string =>
    new RegExp(`(?:^|;)\\s*${name}=([^;]*)`).exec(signature)?.[1]?.replaceAll(/\s/g, '') ?? ''
  await attempt('our signature, as it left (control)', 'another verifier says pass', async () => {
    const said = verdictOn(known, raw)
    return { held: said === 'shared.example pass', happened: said }
  })
  await attempt('our signature: names in h=', 'each once more than it occurs', async () => {
    const names = tag('h').toLowerCase().split(':')
    const short = sealed.filter((name) => names.filter((n) => n === name).length !== fieldsOf(raw, name).length + 1)
    return all(names.join(':'), [short.length === 0, `open for more: ${short.join(', ')}`])
  })
  await attempt('our signature: l=, t=, x=', 'no l=; x= at most 7 days after t=', async () => {
    const days = (Number(tag('x')) - Number(tag('t'))) / 86_400
    return all(
      `no l=, x= after ${days} days`,
      [tag('l') === '', `l=${tag('l')}`],
      [tag('x') !== '' && days > 0 && days <= 7, `t=${tag('t')} x=${tag('x')}`],
    )
  })
  const spoils = 'another verifier says fail'
  for (const name of sealed)
    await attempt(`a ${name} field added above our signed message`, spoils, async () => {
      const said = verdictOn(known, `${name}: evil@evil.example\r\n${raw}`)
      return { held: said.startsWith('shared.example fail'), happened: said }
    })
  await attempt('a line added to the body of our signed message', spoils, async () => {
    const said = verdictOn(known, `${raw}More.\r\n`)
    return { held: said.startsWith('shared.example fail'), happened: said }
  })
}

/** RFC 6376 section 5.4, and what decides how a message looks and whom it answers. */
const sealed = [
  'from',
  'to',
  'cc',
  'subject',
  'date',
  'reply-to',
  'sender',
  'message-id',
  'content-type',
  'mime-version',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-date',
  'resent-message-id',
]

/** A stranger writes to John; `top` stands above the other fields. */
async function toJohn(stage: Stage, top: string, from = 's@away.example') {
  const mark = makeMark()
  const text = content({ mark, from, to: 'john@shared.example', top })
  const letter = { from: `<${from}>`, to: ['<john@shared.example>'], content: text }
  const started = performance.now()
  const { reply } = await stage.send({ patienceMs: 20_000 }, letter)
  const ms = performance.now() - started
  return { reply, ms, raw: reply.startsWith('250') ? (await stage.arrival(mark)).raw : '' }
}

const resultsOf = (raw: string): readonly string[] => fieldsOf(raw, 'authentication-results')

async function forgedResults(stage: Stage, attempt: Try): Promise<void> {
  const claim = 'dmarc=pass header.from=shared.example'
  const forged: Readonly<Record<string, string>> = {
    'as we write it': `Authentication-Results: gw.example.net; ${claim}\r\n`,
    'in capitals': `AUTHENTICATION-RESULTS: GW.EXAMPLE.NET; ${claim}\r\n`,
    'with a version': `Authentication-Results: gw.example.net 1; ${claim}\r\n`,
    'with a comment first': `Authentication-Results: (x) gw.example.net; ${claim}\r\n`,
    'in quotes': `Authentication-Results: "gw.example.net"; ${claim}\r\n`,
    folded: `Authentication-Results:\r\n gw.example.net;\r\n ${claim}\r\n`,
    'with a blank before the colon': `Authentication-Results : gw.example.net; ${claim}\r\n`,
    'with a final dot': `Authentication-Results: gw.example.net.; ${claim}\r\n`,
    'as an encoded word': `Authentication-Results: =?us-ascii?q?gw.example.net?=; ${claim}\r\n`,
    'with ideographic dots': `Authentication-Results: gw\xe3\x80\x82example\xe3\x80\x82net; ${claim}\r\n`,
    'in wide letters': `Authentication-Results: \xef\xbd\x87w.example.net; ${claim}\r\n`,
    'behind a sign that cannot be seen': `Authentication-Results: \xe2\x80\x8bgw.example.net; ${claim}\r\n`,
    'in angle brackets': `Authentication-Results: <gw.example.net>; ${claim}\r\n`,
    'behind an empty part': `Authentication-Results: ; gw.example.net; ${claim}\r\n`,
    'behind the instance of an ARC set': `Authentication-Results: i=1; gw.example.net; ${claim}\r\n`,
  }
  for (const [name, top] of Object.entries(forged))
    await attempt(`stranger: forged Authentication-Results ${name}`, 'one of ours, and not this', async () => {
      const { raw, reply } = await toJohn(stage, top)
      const inOurName = resultsOf(raw.replaceAll(/^(authentication-results) :/gim, '$1:')).filter((r) =>
        /gw\.example\.net/i.test(r),
      )
      const [first = ''] = inOurName
      return all(
        first,
        [inOurName.length === 1, `${reply}; ${inOurName.length} in our name`],
        [!raw.includes(claim), 'the forged one is still there'],
      )
    })
  await attempt('stranger: X-Causeway-Pass and other X-Causeway fields', 'taken out', async () => {
    const { raw } = await toJohn(
      stage,
      'X-Causeway-Pass: forged-pass\r\nX-CAUSEWAY-ANY: forged-any\r\nX-Causeway\r\n -Folded: forged\r\n',
    )
    return all('gone', [raw !== '' && !/forged/.test(raw), 'still there'])
  })
}

/** An Exchange that trusts the gateway's connector would let such mail in as its own. */
async function wordsOfTheOrganisation(stage: Stage, attempt: Try): Promise<void> {
  const fields = [
    'X-MS-Exchange-Organization-AuthAs: Internal-forged',
    'X-MS-Exchange-Organization-SCL: -1-forged',
    'X-MS-Exchange-CrossPremises-AuthAs: Internal-forged',
    'X-MS-EXCHANGE-ORGANIZATION-AuthSource : x-forged',
  ]
  for (const field of fields)
    await attempt(`stranger: ${field}`, 'taken out', async () => {
      const { reply, raw } = await toJohn(stage, `${field}\r\n`)
      return all('gone', [raw !== '', reply], [!raw.includes('forged'), 'still there'])
    })
}

async function hostileSignatures(stage: Stage, attempt: Try): Promise<void> {
  const field = (d: string, s = 'sel'): string =>
    `DKIM-Signature: v=1; a=rsa-sha256; d=${d}; s=${s}; h=from; bh=AAAA; b=AAAA\r\n`
  const hostile: Readonly<Record<string, string>> = {
    "d= with a quote: legit'a.evil": field("shared.example'a.evil.example"),
    'd= with a result in it': field('x.example dmarc=pass header.from=shared.example'),
    'd= with a comment in it': field('x.example(dkim=pass header.d=shared.example)'),
    's= with a name of another': field('evil.example', 'sel._domainkey.evil.example\\0.any'),
    'i= with a line in it': `DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; i="x\r\n ; dkim=pass"@evil.example; s=s; h=from; bh=AA; b=AA\r\n`,
    'd= of 5,000 characters': field(`${'a.'.repeat(2500)}example`),
    'h= of 20,000 names': `DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=s; h=${'from:'.repeat(10_000)}to; bh=AA; b=AA\r\n`,
  }
  for (const [name, top] of Object.entries(hostile))
    await attempt(`stranger: DKIM-Signature, ${name}`, 'no pass in our results, within 3 s', async () => {
      const { reply, raw, ms } = await toJohn(stage, top)
      const results = resultsOf(raw).filter((r) => r.startsWith('gw.example.net'))
      const [first = ''] = results
      if (reply.startsWith('55')) return { held: true, happened: reply }
      return all(
        first,
        [results.length === 1, `${reply}; ${results.length} results`],
        [!/(?:dmarc|dkim)=pass/.test(first.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')), first],
        [ms < 3000, `${Math.round(ms)} ms`],
      )
    })
  await attempt('stranger: NUL in d=', '550 5.6.11', async () => {
    const { reply } = await toJohn(stage, field('evil.example\0.any'))
    return { held: reply.startsWith('550 5.6.11'), happened: reply }
  })
  await attempt('stranger: 300 DKIM-Signature fields', 'at most 10 looked at, within 3 s', async () => {
    const top = Array.from({ length: 300 }, (_, i) => field(`d${i}.example`)).join('')
    const { reply, raw, ms } = await toJohn(stage, top)
    const [first = ''] = resultsOf(raw)
    const looked = first.match(/dkim=/g)?.length ?? 0
    return {
      held: reply.startsWith('250') && looked <= 11 && ms < 3000,
      happened: `${looked} results, ${Math.round(ms)} ms`,
    }
  })
}

async function seals(stage: Stage, attempt: Try): Promise<void> {
  const set = (i: number, cv: string): string =>
    `ARC-Seal: i=${i}; a=rsa-sha256; cv=${cv}; d=evil.example; s=s; b=AAAA\r\nARC-Message-Signature: i=${i}; a=rsa-sha256; d=evil.example; s=s; h=from; bh=AAAA; b=AAAA\r\nARC-Authentication-Results: i=${i}; evil.example; dmarc=pass header.from=shared.example\r\n`
  const chains: Readonly<Record<string, string>> = {
    'a chain that says cv=fail': set(2, 'fail') + set(1, 'none'),
    'a chain whose seals do not verify': set(1, 'none'),
    '51 sets': Array.from({ length: 51 }, (_, i) => set(51 - i, i === 50 ? 'none' : 'pass')).join(''),
    'a set twice': set(1, 'none') + set(1, 'none'),
    'set 2 without set 1': set(2, 'pass'),
  }
  for (const [name, top] of Object.entries(chains))
    await attempt(`stranger: ARC, ${name}`, 'never sealed as cv=pass, results never arc=pass', async () => {
      const { reply, raw } = await toJohn(stage, top)
      const own = fieldsOf(raw, 'arc-seal').filter((seal) => seal.includes('d=shared.example'))
      const [results = ''] = resultsOf(raw)
      return all(
        `${own.length} seals of ours; ${results}`,
        [reply.startsWith('250'), reply],
        [!own.some((seal) => /cv=pass/.test(seal)), own.join()],
        [!/arc=pass|dmarc=pass/.test(results), results],
      )
    })
  await attempt('stranger: no ARC at all (control)', 'sealed by us, cv=none', async () => {
    const { raw } = await toJohn(stage, '')
    const own = fieldsOf(raw, 'arc-seal').filter((seal) => seal.includes('d=shared.example'))
    return { held: own.length === 1 && /cv=none/.test(own[0] ?? ''), happened: own[0] ?? 'no seal' }
  })
}

/** Whoever has a silent name server can make the gateway wait for it; nobody else waits along. */
async function hangingDns(stage: Stage, attempt: Try): Promise<void> {
  await attempt(
    '60 strangers whose DNS never answers, and good senders',
    'p95 under 1 s for tenant and stranger',
    async () => {
      for (let i = 0; i < 60; i += 1) stage.dns.fault(`hang${i}.example`, 'timeout')
      const visitors = await Promise.all(Array.from({ length: 60 }, () => stage.visit()))
      visitors.forEach((visitor, i) => {
        const text = content({ mark: makeMark(), from: `s@hang${i}.example`, to: 'john@shared.example' })
        const envelope = `MAIL FROM:<s@hang${i}.example>\r\nRCPT TO:<john@shared.example>\r\n`
        visitor.send(Buffer.from(`${envelope}BDAT ${text.length} LAST\r\n${text}`))
      })
      const took = { tenant: [] as number[], stranger: [] as number[] }
      for (let i = 0; i < 20; i += 1) {
        const mark = makeMark()
        const tenant = { from: '<ann@fabrikam.example>', to: ['<zoe@away.example>'], content: content({ mark }) }
        const stranger = { from: '<s@away.example>', to: ['<john@shared.example>'], content: content({ mark }) }
        for (const [who, letter, times] of [
          [stage.fabrikam, tenant, took.tenant],
          [{}, stranger, took.stranger],
        ] as const) {
          const from = performance.now()
          const { reply } = await stage.send(who, letter)
          times.push(performance.now() - from)
          if (!reply.startsWith('250')) return { held: false, happened: reply }
        }
      }
      for (const visitor of visitors) visitor.destroy()
      const [tenant, stranger] = [p95(took.tenant), p95(took.stranger)]
      const happened = `p95 ${Math.round(tenant)} ms, ${Math.round(stranger)} ms`
      return { held: tenant < 1000 && stranger < 1000, happened }
    },
  )
}

const p95 = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1] ?? Number.POSITIVE_INFINITY

async function noAnswer(stage: Stage, attempt: Try): Promise<void> {
  for (const fault of ['servfail', 'timeout', 'refused'] as const)
    await attempt(`stranger: DNS of the sender ${fault}`, 'temperror, never pass', async (): Promise<Seen> => {
      const domain = `${fault}.example`
      stage.dns.fault(domain, fault)
      const { reply, raw } = await toJohn(stage, '', `s@${domain}`)
      const [results = ''] = resultsOf(raw)
      return all(
        `${reply.slice(0, 9)}: ${results}`,
        [reply.startsWith('250') || reply.startsWith('451'), reply],
        [!/=pass/.test(results), results],
        [raw === '' || /temperror/.test(results), results],
      )
    })
}
