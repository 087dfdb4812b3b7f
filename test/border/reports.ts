/** Nobody is written to who did not write through a tenant's connector; nothing goes round. */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/program.ts'
import type { Talk } from '../support/scripted-smtp.ts'
import { all, type Family, type Seen, type Try } from './attack.ts'
import { type Hops, startHops } from './hops.ts'
import { content, fieldOf, makeMark } from './letters.ts'
import { type Stage, sharedStage, wordFor } from './stage.ts'
import { submit, visit } from './visitor.ts'

export const reports: Family = {
  name: 'reports',
  title: 'no backscatter, no loops (2.7, T9, T10)',
  async run({ attempt }) {
    await using hops = await startHops(
      { sender: {}, takes: { tlsPolicy: 'none' }, refuses: { tlsPolicy: 'none', on: refusesAtTheDot } },
      'queue',
    )
    await backscatter(hops, attempt)
    await loops(await sharedStage(), attempt)
  },
}

const refusesAtTheDot = (line: string, talk: Talk): boolean => {
  if (line !== '.') return false
  talk.say('550 5.7.1 mailbox of ex01.refuses.example at EX02.corp.local says no')
  return true
}

/** One recipient's server takes it, the other's refuses: now somebody must be told, or nobody. */
async function toBoth(hops: Hops, address: string, from: string, parameters = '') {
  const mark = makeMark()
  const port = hops.gateway.smtp[0]?.port ?? 0
  const client = await visit(port, { address, patienceMs: 10_000 })
  const to = [`<u@takes.example>${parameters}`, `<v@refuses.example>${parameters}`]
  const { reply } = await submit(client, {
    from: `<${from}>`,
    to,
    content: content({ mark, from: from || 'x@y.example' }),
  })
  client.destroy()
  return { reply, mark }
}

const reportsIn = (hops: Hops, mark: string) => hops.of('sender').arrivals.filter(({ raw }) => raw.includes(mark))

async function backscatter(hops: Hops, attempt: Try): Promise<void> {
  await attempt('tenant: one recipient refused by the next hop (control)', 'one report, from <>', async () => {
    const { reply, mark } = await toBoth(hops, '127.0.0.1', 's@sender.example')
    const report = await until(
      'the report',
      () => reportsIn(hops, mark)[0],
      () => '',
      5000,
    )
    return all(
      `${reply.slice(0, 9)}; report from ${report.from}`,
      [reply.startsWith('250'), reply],
      [report.from.startsWith('<>'), report.from],
      [!report.raw.includes('ex01'), 'the report names a server of the other tenant'],
      [!report.raw.includes('corp.local'), 'the report names a host in no domain of the other tenant'],
      [!report.raw.includes('127.0.60.'), 'the report names an address of the other tenant'],
    )
  })
  const silent: readonly (readonly [string, string, string, string])[] = [
    ['stranger in the name of a tenant: refused by the next hop', '127.7.0.1', 's@sender.example', ''],
    ['stranger in the name of a victim: refused by the next hop', '127.7.0.2', 'victim@elsewhere.example', ''],
    ['tenant, NOTIFY=NEVER', '127.0.0.1', 's@sender.example', ' NOTIFY=NEVER'],
    ['tenant, null sender', '127.0.0.1', '', ''],
  ]
  for (const [attack, address, from, parameters] of silent)
    await attempt(attack, 'no report to anybody', async () => {
      const { reply, mark } = await toBoth(hops, address, from, parameters)
      await sleep(700)
      const told = reportsIn(hops, mark)
      return all(
        `${reply}; nobody told`,
        [/^(?:250|55\d) /.test(reply), reply],
        [told.length === 0, `${told.length} reports`],
        [!/ex0[12]/i.test(reply), `the reply names a host: ${reply}`],
      )
    })
  await attempt('stranger: nobody of that name', '550 at RCPT, no report', async () => {
    const stage = await sharedStage()
    const mark = makeMark()
    const letter = { from: '<victim@contoso.example>', to: ['<nobody@shared.example>'], content: content({ mark }) }
    const { at, reply } = await stage.send({}, letter)
    return {
      held: at === 'RCPT' && reply.startsWith('550 5.1.1') && stage.found(mark).length === 0,
      happened: `${at}: ${reply}`,
    }
  })
}

async function loops(stage: Stage, attempt: Try): Promise<void> {
  const by = (host: string): string => `Received: from x by ${host} with ESMTP; Thu, 01 Oct 2026 10:00:00 +0000\r\n`
  const refused = async (top: string, to = 'zoe@away.example'): Promise<Seen> => {
    const mark = makeMark()
    const letter = { from: '<ann@fabrikam.example>', to: [`<${to}>`], content: content({ mark, top }) }
    const { at, reply } = await stage.send(stage.fabrikam, letter)
    return all(
      `${at}: ${reply}`,
      [reply.startsWith('554 5.4.6'), reply],
      [stage.found(mark).length === 0, 'it was sent'],
    )
  }
  const loop = '554 5.4.6'
  await attempt('fabrikam: back to fabrikam, unchanged', loop, () => refused('', 'nobody@fabrikam.example'))
  await attempt('two Received fields of ours', loop, () => refused(by('gw.example.net') + by('GW.example.NET')))
  await attempt('101 Received fields', loop, () => refused(by('x.example').repeat(101)))
  await attempt('two mailboxes that forward to each other', 'cut after two rounds, nothing grows', () =>
    forwarders(stage),
  )
  await attempt('a pass copied from another message', 'rewritten and signed all the same', async () => {
    const first = makeMark()
    const toAnn = { from: '<s@away.example>', to: ['<ann@shared.example>'], content: content({ mark: first }) }
    await stage.send({}, toAnn)
    const pass = fieldOf((await stage.arrival(first)).raw, 'x-causeway-pass') ?? 'none'
    const mark = makeMark()
    const top = `X-Causeway-Pass: ${pass}\r\n`
    const letter = { from: '<ann@fabrikam.example>', to: ['<zoe@away.example>'], content: content({ mark, top }) }
    await stage.send(stage.fabrikam, letter)
    const { raw } = await stage.arrival(mark)
    const from = fieldOf(raw, 'from') ?? ''
    return all(`From: ${from}`, [from === 'ann@shared.example', from], [!raw.includes(pass), 'the copied pass went on'])
  })
  await attempt('the true pass with a second From beside it', '550 5.7.1, or unsigned and as it came', async () => {
    const first = makeMark()
    await stage.send({}, { from: '<s@away.example>', to: ['<ann@shared.example>'], content: content({ mark: first }) })
    const { raw: returned } = await stage.arrival(first)
    const twice = returned.replace('\r\nFrom: ', '\r\nFrom: evil@evil.example\r\nFrom: ').replace(first, `${first}x`)
    const { reply } = await stage.send(stage.fabrikam, {
      from: '<ann@fabrikam.example>',
      to: ['<zoe@away.example>'],
      content: twice.slice(0, -2),
    })
    const sent = stage.found(first).find(({ at }) => at === 'outside')
    return all(reply, [sent === undefined || fieldOf(sent.raw, 'dkim-signature') === undefined, 'signed'])
  })
}

/** ann forwards to Nora's public address, Nora to ann's: each by her own tenant, with the header as it came. */
async function forwarders(stage: Stage): Promise<Seen> {
  const mark = makeMark()
  const sides = [
    { who: stage.fabrikam, from: 'ann@fabrikam.example', to: 'nora@shared.example', proof: '' },
    { who: stage.northwind, from: 'nora@northwind.example', to: 'ann@shared.example', proof: wordFor('northwind') },
  ]
  await stage.send({}, { from: '<s@away.example>', to: ['<ann@shared.example>'], content: content({ mark }) })
  let last = await stage.arrival(mark)
  for (let round = 0; round < 10; round += 1) {
    const side = sides[round % 2]
    if (side === undefined) break
    const came = last.raw.replaceAll(/(^|\r\n)\.\./g, '$1.').replace(/\r\n$/, '')
    const letter = { from: `<${side.from}>`, to: [`<${side.to}>`], content: `${side.proof}${came}` }
    const { reply } = await stage.send(side.who, letter)
    const copies = stage.found(mark)
    if (!reply.startsWith('250'))
      return all(
        `${round} forwarded, then ${reply}; ${copies.length} copies in all`,
        [reply.startsWith('554 5.4.6'), reply],
        [round <= 2 && copies.length <= 3, `${round} rounds, ${copies.length} copies`],
      )
    // The newest is the longest: each pass adds a Received field.
    last = copies.toSorted((a, b) => b.raw.length - a.raw.length)[0] ?? last
  }
  return { held: false, happened: 'it went round ten times' }
}
