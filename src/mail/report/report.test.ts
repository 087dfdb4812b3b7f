import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Address, type MapAddress } from '../address/address.ts'
import { readMessage } from '../message/message.ts'
import { parts } from '../mime/mime.ts'
import { isReport, type ReportMap, rewriteReport } from './report.ts'

/** One person: John, who has a mailbox at tenant1, is seen at shared, and was once at old. */
const john = ['john.smith@tenant1.example', 'john@shared.example', 'js@old.example']
const rene = ['rene@tenant1.example', 'rené@shared.example']
const [johnsInternal = '', johnsExternal = ''] = john

function to(place: number): MapAddress {
  return ({ text }) => {
    const person = [john, rene].find((addresses) => addresses.includes(text))
    const wanted = person?.[place]
    return wanted === undefined || wanted === text ? undefined : { to: wanted, entry: person?.[0] ?? '' }
  }
}

const map: ReportMap = {
  internal: to(0),
  external: to(1),
  samePerson: (a: Address, b: Address) => john.includes(a.text) && john.includes(b.text),
}

function rewrite(side: 'outside' | 'inside', text: string): string {
  const bytes = Buffer.from(text.replaceAll('\n', '\r\n'), 'utf8')
  return (rewriteReport(bytes, side, map)?.fields ?? bytes).toString('utf8').replaceAll('\r\n', '\n')
}

const failure = `Reporting-MTA: dns;AM0PR01MB1234.eurprd01.prod.exchangelabs.com
Received-From-MTA: dns;gw.example.net
Arrival-Date: Fri, 21 Nov 2025 10:00:00 +0000

Final-Recipient: rfc822;john.smith@tenant1.example
Original-Recipient: rfc822;js@old.example
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 <john.smith@tenant1.example>: recipient
 'john.smith@tenant1.example' not found (to=john.smith@tenant1.example).
X-Display-Name: john.smith@tenant1.example

Final-Recipient: RFC822; mary@other.example
Action: delayed
`

test('outside every address of a person is the external one, in the fields of recipients and in what the server said', () => {
  assert.equal(
    rewrite('outside', failure),
    failure
      .replaceAll(/john\.smith@tenant1\.example|js@old\.example/g, johnsExternal)
      .replace(`X-Display-Name: ${johnsExternal}`, `X-Display-Name: ${johnsInternal}`),
  )
})

test('inside the user sees the address that was written to', () => {
  const expected = failure.replace('rfc822;john.smith@tenant1.example', 'rfc822;js@old.example')
  assert.equal(rewrite('inside', failure), expected)
})

test('inside, without an original recipient or with that of somebody else, it is the external address', () => {
  const block = (final: string, original: string) => `Final-Recipient: rfc822; ${final}\n${original}Action: failed\n`
  for (const original of [
    '',
    'Original-Recipient: rfc822; mary@other.example\n',
    'Original-Recipient: x400; /G=John\n',
  ])
    assert.equal(rewrite('inside', block(johnsInternal, original)), block(johnsExternal, original), original)
  const inNextBlock = `${block(johnsInternal, '')}\n${block('mary@other.example', 'Original-Recipient: rfc822; js@old.example\n')}`
  assert.equal(rewrite('inside', inNextBlock), inNextBlock.replace(johnsInternal, johnsExternal))
})

test('inside, an address that is not the internal one stays', () => {
  for (const final of ['js@old.example', 'john@shared.example', 'mary@other.example']) {
    const text = `Final-Recipient: rfc822; ${final}\nOriginal-Recipient: rfc822; john@shared.example\n`
    assert.equal(rewrite('inside', text), text)
  }
})

test('a disposition notification', () => {
  const notification = (final: string) => `Reporting-UA: tenant1.example; Microsoft Outlook
Original-Recipient: rfc822;john@shared.example
Final-Recipient: rfc822;${final}
Original-Message-ID: <abc@tenant1.example>
Disposition: manual-action/MDN-sent-manually; displayed
`
  for (const side of ['inside', 'outside'] as const)
    assert.equal(rewrite(side, notification(johnsInternal)), notification(johnsExternal), side)
})

test('comments, angle brackets, folding and case around an address stay', () => {
  for (const around of [
    ['Final-Recipient: rfc822;<', '>'],
    ['FINAL-RECIPIENT :\n RFC822 ;\n\t', ' (John (Sales))'],
    ['final-recipient:rfc822;', '  '],
  ])
    assert.equal(rewrite('outside', `${around.join(johnsInternal)}\n`), `${around.join(johnsExternal)}\n`)
})

test('other address types, several addresses and broken fields stay', () => {
  const text = `Final-Recipient: x400; john.smith@tenant1.example
Final-Recipient: john.smith@tenant1.example
Final-Recipient: rfc822; john.smith@tenant1.example, john.smith@tenant1.example
Final-Recipient rfc822; john.smith@tenant1.example
Final-Recipient: rfc822; john.smith@tenant1.example@tenant1.example
Final-Recipient: rfc822;
Reporting-MTA: dns; john.smith@tenant1.example
`
  assert.equal(rewrite('outside', text), text)
})

test('international addresses: as they are in UTF-8 fields, escaped in ASCII ones', () => {
  assert.equal(
    rewrite('outside', 'Final-Recipient: rfc822; rene@tenant1.example\n'),
    'Final-Recipient: utf-8; ren\\x{E9}@shared.example\n',
  )
  assert.equal(
    rewrite('outside', 'Final-Recipient: utf-8;rene@tenant1.example (ü)\n'),
    'Final-Recipient: utf-8;rene@tenant1.example (ü)\n',
  )
  const back: ReportMap = { ...map, external: map.internal }
  for (const spelled of ['ren\\x{E9}@shared.example', 'ren\\x{00e9}@shared.example', 'rené@shared.example'])
    assert.equal(
      rewriteReport(Buffer.from(`Final-Recipient: utf-8; ${spelled}\r\n`), 'outside', back)?.fields.toString(),
      'Final-Recipient: utf-8; rene@tenant1.example\r\n',
    )
  const more: MapAddress = () => ({ to: 'rené+x@shared.example', entry: 'e' })
  assert.equal(
    rewriteReport(Buffer.from('Final-Recipient: utf-8; é@x.example\r\n'), 'outside', {
      ...map,
      external: more,
    })?.fields.toString(),
    'Final-Recipient: utf-8; rené+x@shared.example\r\n',
  )
})

test('a diagnostic keeps every word but the address', () => {
  for (const [before, after] of [
    ['to=<john.smith@tenant1.example>, x', 'to=<john@shared.example>, x'],
    ['orcpt=john.smith@tenant1.example', 'orcpt=john@shared.example'],
    ["'john.smith@tenant1.example'", "'john@shared.example'"],
    ['to john.smith@tenant1.example.', 'to john@shared.example.'],
    ['"john.smith@tenant1.example".', '"john@shared.example".'],
    ['x@@john.smith@tenant1.example@', 'x@@john@shared.example@'],
    ['notjohn.smith@tenant1.example', 'notjohn.smith@tenant1.example'],
    ['john.smith@tenant1.example.org', 'john.smith@tenant1.example.org'],
    ['john.smith @tenant1.example', 'john.smith @tenant1.example'],
    ['rene@tenant1.example', 'rené@shared.example'],
    ['user=john.smith%40tenant1.example&x', 'user=john@shared.example&x'],
    ['a%40b.example@tenant1.example', 'a%40b.example@tenant1.example'],
  ] as const)
    assert.equal(rewrite('outside', `Diagnostic-Code: smtp; 550 ${before}\n`), `Diagnostic-Code: smtp; 550 ${after}\n`)
})

test('an address in a diagnostic is not part of the next one', () => {
  const all: MapAddress = ({ domain }) => (domain === 'a.example' ? { to: 'x@b.example', entry: 'e' } : undefined)
  assert.equal(
    rewriteReport(Buffer.from('Diagnostic-Code: smtp; 1@a.example@a.example'), 'outside', {
      ...map,
      external: all,
    })?.fields.toString(),
    'Diagnostic-Code: smtp; x@b.example@a.example',
  )
})

test('only a line that would pass 998 bytes is folded', () => {
  const longer: ReportMap = { ...map, external: () => ({ to: 'a.much.longer.name@shared.example', entry: 'e' }) }
  const text = (bytes: number) => `Diagnostic-Code: smtp; ${'word '.repeat(200).slice(0, bytes)} a@b.example\r\n`
  const out = (bytes: number) => rewriteReport(Buffer.from(text(bytes)), 'outside', longer)?.fields.toString() ?? ''
  assert.equal(out(900), text(900).replace('a@b.example', 'a.much.longer.name@shared.example'))
  const folded = out(950)
  assert.ok(folded.split('\r\n').every((line) => line.length <= 998))
  assert.equal(
    folded.replaceAll(/\r\n(?= )/g, ''),
    text(950).replace('a@b.example', 'a.much.longer.name@shared.example'),
  )
})

test('LF alone ends fields and blocks too', () => {
  const bytes = Buffer.from(failure)
  assert.equal(
    rewriteReport(bytes, 'inside', map)?.fields.toString(),
    failure.replace('rfc822;john.smith@tenant1.example', 'rfc822;js@old.example'),
  )
})

test('each change is told; an address that would forge a field is a programming error', () => {
  const bytes = Buffer.from('Final-Recipient: rfc822; john.smith@tenant1.example\r\n')
  assert.deepEqual(rewriteReport(bytes, 'outside', map)?.changes, [
    { field: 'Final-Recipient', old: johnsInternal, new: johnsExternal, entry: johnsInternal },
  ])
  const forged: MapAddress = () => ({ to: 'a@b.example\r\nBcc: x', entry: 'e' })
  assert.throws(() => rewriteReport(bytes, 'outside', { ...map, external: forged }), TypeError)
})

test('which parts are reports', () => {
  const is = (type: string) => parts(readMessage(Buffer.from(`Content-Type: ${type}\r\n\r\n`))).every(isReport)
  for (const type of [
    'delivery-status',
    'Disposition-Notification',
    'global-delivery-status',
    'global-disposition-notification',
  ])
    assert.ok(is(`message/${type}`), type)
  for (const type of ['message/rfc822', 'text/plain', 'text/rfc822-headers', 'message/feedback-report'])
    assert.ok(!is(type), type)
})
