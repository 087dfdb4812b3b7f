/**
 * From that two programs read differently. From a tenant it is refused (or passed as it came, where the project says so); from
 * the internet it passes as it came. It is never signed and never rewritten.
 */
import { all, type Family, type Seen, type Try } from './attack.ts'
import { content, fieldsOf, makeMark } from './letters.ts'
import { type Stage, sharedStage } from './stage.ts'
import type { Who } from './visitor.ts'

export const from: Family = {
  name: 'from',
  title: 'From with two readings: never signed, never rewritten (2.4, T8)',
  async run({ attempt }) {
    const stage = await sharedStage()
    for (const [attack, field] of fields)
      await attempt(`fabrikam: ${attack}`, '550 5.7.1 and nothing sent', () => refused(stage, field))
    for (const [attack, field] of fields)
      await attempt(`a stranger: ${attack}`, 'arrives as it came, no DKIM of ours', () => untouched(stage, {}, field))
    await stage.apply((text) =>
      text.replace('policy: { dmarc: report }', 'policy: { dmarc: report, ambiguousFrom: pass }'),
    )
    for (const [attack, field] of fields)
      await attempt(`fabrikam, ambiguousFrom: pass: ${attack}`, 'arrives as it came, no DKIM of ours', () =>
        untouched(stage, stage.fabrikam, field),
      )
    await stage.apply((text) => text)
    await legal(stage, attempt)
    await senders(stage, attempt)
  },
}

const evil = 'a@evil.example'
/** ours; a person of fabrikam, so that a reader who took this one would rewrite and sign it. */
const ours = 'ann@fabrikam.example'

/** What stands in the place of From, whole lines. */
const fields: readonly (readonly [attack: string, field: string])[] = [
  ['two From fields, evil first', `From: <${evil}>\r\nFrom: <${ours}>`],
  ['two From fields, ours first', `From: <${ours}>\r\nFrom: <${evil}>`],
  ['two From fields, the same', `From: <${ours}>\r\nFrom: <${ours}>`],
  ['From with a leading space, then From', ` From: <${evil}>\r\nFrom: <${ours}>`],
  ['From and "From " with a space before the colon', `From: <${evil}>\r\nFrom : <${ours}>`],
  ['"From " with a space first', `From : <${ours}>\r\nFrom: <${evil}>`],
  ['folded field name, then From', `From\r\n : <${evil}>\r\nFrom: <${ours}>`],
  ['folded field name and Sender', `From\r\n : <${evil}>\r\nSender: <${ours}>`],
  ['no From, Sender', `Sender: <${ours}>`],
  ['no From, Resent-From', `Resent-From: <${ours}>`],
  ['empty From', 'From:'],
  ['From with a comment alone', `From: (${ours})`],
  ['two mailboxes, no Sender', `From: <${evil}>, <${ours}>`],
  ['encoded address as a phrase', `From:=?utf-8?B?PGFubkBmYWJyaWthbS5leGFtcGxlPg==?=,<${evil}>`],
  ['route', `From: <@evil.example,@any.example:${ours}>`],
  ['quoted pair outside quotes', `From: <${ours}>\\,<${evil}>`],
  ['bare address and angle', `From: ${ours},<${evil}>`],
  ['text after the angle', `From: <${evil}>${ours}`],
  ['angle after angle', `From: <${ours}> <${evil}>`],
  ['angle in angle', `From: <<${ours}>@evil.example>`],
  ['group whose name is in angles (CVE-2024-49040)', `From: <${ours}> : ${evil};`],
  ['empty group', 'From: Nobody:;'],
  ['semicolons between mailboxes', `From: ${ours}; ${evil}`],
  ['no angle closed', `From: Ann <${ours}`],
  ['quote not closed', `From: "Ann <${ours}>`],
  ['comment not closed', `From: (Ann <${ours}>`],
  ['encoded word as local part', 'From: <=?utf-8?q?ann?=@fabrikam.example>'],
  ['encoded word that ends the address', `From: <=?utf-8?q?ann=40fabrikam.example=3E?=x@evil.example>`],
  ['encoded word in UTF-7 in the address', `From: <=?utf-7?q?ann+AEA-fabrikam.example?=@evil.example>`],
  ['NUL as an encoded word in the address', `From: <ann=?utf-8?q?=00?=@fabrikam.example@evil.example>`],
  ['two at signs', 'From: <ann@fabrikam.example@evil.example>'],
  ['a bare CR', `From: <${evil}>\rFrom: <${ours}>`],
  ['a bare LF', `From: <${evil}>\nFrom: <${ours}>`],
]

const letter = (mark: string, field: string): string => content({ mark }).replace('From: ann@fabrikam.example', field)

async function refused(stage: Stage, field: string): Promise<Seen> {
  const mark = makeMark()
  const sent = { from: `<${ours}>`, to: ['<zoe@away.example>'], content: letter(mark, field) }
  const { reply } = await stage.send(stage.fabrikam, sent)
  return all(reply, [reply.startsWith('550 5.7.1'), reply], [stage.found(mark).length === 0, 'it was sent'])
}

/** From above down to the first field that we never change. */
async function untouched(stage: Stage, who: Who, field: string): Promise<Seen> {
  const mark = makeMark()
  const isTenant = who.certificate !== undefined
  const to = isTenant ? '<zoe@away.example>' : '<john@shared.example>'
  const sent = { from: isTenant ? `<${ours}>` : `<${evil}>`, to: [to], content: letter(mark, field) }
  const { reply } = await stage.send(who, sent)
  if (!reply.startsWith('250'))
    return { held: /^55[04] /.test(reply) && stage.found(mark).length === 0, happened: reply }
  const { raw } = await stage.arrival(mark)
  const signatures = fieldsOf(raw, 'dkim-signature')
  const normal = field.replaceAll(/\r(?!\n)|(?<!\r)\n/g, '\r\n')
  // Other fields have one reading of their own, and are rewritten.
  const wanted = isTenant ? normal.replace(/((?:Sender|Resent-From): <)ann@fabrikam/, '$1ann@shared') : normal
  return all(
    'as it came, not signed',
    [
      raw.includes(`\r\n${wanted}\r\nTo: `),
      `changed: ${raw
        .split('\r\n')
        .filter((l) => /from|sender|resent/i.test(l))
        .join(' | ')}`,
    ],
    [signatures.length === 0, `signed: ${signatures[0] ?? ''}`],
  )
}

/** Several authors with a Sender are legal (RFC 5322 section 3.6.2): rewritten, and signed when their domains become one. */
async function legal(stage: Stage, attempt: Try): Promise<void> {
  const signed = async (field: string): Promise<{ raw: string; signatures: readonly string[] }> => {
    const mark = makeMark()
    const sent = { from: `<${ours}>`, to: ['<zoe@away.example>'], content: letter(mark, field) }
    await stage.send(stage.fabrikam, sent)
    const { raw } = await stage.arrival(mark)
    return { raw, signatures: fieldsOf(raw, 'dkim-signature') }
  }
  await attempt('fabrikam: two mailboxes of two domains, with Sender', 'not signed', async () => {
    const { raw, signatures } = await signed(`From: <${evil}>, <${ours}>\r\nSender: <${ours}>`)
    return {
      held: signatures.length === 0,
      happened: `${signatures.length} signatures; ${fieldsOf(raw, 'from').join()}`,
    }
  })
  await attempt('fabrikam: one reading (control)', 'rewritten and signed', async () => {
    const { raw, signatures } = await signed(`From: "Ann <${evil}>" <${ours}>`)
    const [shown = ''] = fieldsOf(raw, 'from')
    const wanted = `"Ann <${evil}>" <ann@shared.example>`
    return { held: signatures.length === 1 && shown === wanted, happened: `${signatures.length} signature; ${shown}` }
  })
  await attempt('fabrikam: one person in a group, which is legal (RFC 6854)', 'rewritten and signed', async () => {
    const { raw, signatures } = await signed(`From: Team: ${ours};`)
    const [shown = ''] = fieldsOf(raw, 'from')
    return { held: signatures.length === 1 && shown === 'Team: ann@shared.example;', happened: shown }
  })
  await attempt('fabrikam: From of a domain that is nobody here', 'not signed', async () => {
    const { signatures } = await signed(`From: <${evil}>`)
    return { held: signatures.length === 0, happened: `${signatures.length} signatures` }
  })
}

async function senders(stage: Stage, attempt: Try): Promise<void> {
  const paths = [
    '<(any@shared.example>',
    '<any@shared.example(a.evil.example>',
    "<any@shared.example'@any.evil.example>",
    "<@shared.example,@any.example:'any@evil.example>",
    '<any@shared.example\0.evil.example>',
    '<any@shared.example>@evil.example',
    '<<any@shared.example>@evil.example>',
    'any@shared.example',
  ]
  for (const path of paths)
    await attempt(`MAIL FROM:${path}`, '501', async () => {
      const client = await stage.visit()
      client.send(Buffer.from(`MAIL FROM:${path}\r\n`, 'latin1'))
      const reply = await client.reply()
      client.destroy()
      return { held: reply.startsWith('501'), happened: reply }
    })
}
