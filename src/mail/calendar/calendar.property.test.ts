import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { MapAddress } from '../address/address.ts'
import { rewriteCalendar } from './calendar.ts'

/** Lines that are like calendars, and like nothing. */
const chunk = fc.constantFrom(
  'ATTENDEE',
  'ORGANIZER',
  ';CN=',
  ';SENT-BY=',
  ';DELEGATED-TO=',
  ':',
  ';',
  ',',
  '"',
  '=',
  'mailto:',
  'a@a.example',
  'b%2Bc@a.example',
  '\xc3\xbc',
  '\xff',
  '\r\n',
  '\r\n',
  '\r\n ',
  '\n',
  '\n\t',
  '\r',
  ' ',
  '?',
  '%',
  "'",
  'x'.repeat(30),
  'SUMMARY:',
  '@',
)
const bytes = fc
  .array(fc.oneof({ weight: 9, arbitrary: chunk }, fc.string()), { maxLength: 40 })
  .map((a) => Buffer.from(a.join(''), 'latin1'))

/** Moves everybody between two domains. */
function move(from: string, to: string): MapAddress {
  return ({ domain, text }) =>
    domain === from ? { to: `${text.slice(0, -domain.length)}${to}`, entry: 'e' } : undefined
}

/** The new domain is longer, so that lines must be folded. */
const outside = move('a.example', 'much.longer.shared.example')

function unfolded(ics: Buffer): string {
  return ics.toString('latin1').replaceAll(/\r?\n[ \t]/g, '')
}

test('any bytes give an answer, and a map that changes nothing changes nothing', () => {
  fc.assert(
    fc.property(bytes, (ics) => {
      assert.equal(
        rewriteCalendar(ics, ({ text }) => ({ to: text, entry: 'e' })),
        undefined,
      )
      assert.equal(
        rewriteCalendar(ics, () => undefined),
        undefined,
      )
    }),
    { numRuns: 2000 },
  )
})

/** Lines that are nearly right, so that many of them are. */
const address = fc.constantFrom(
  'a@a.example',
  'b%2Bc@a.example',
  '%22q%20r%22@a.example',
  'j\xc3\xbc@a.example',
  '100%@a.example',
  'x@b.example',
  'x',
)
const parameter = fc
  .tuple(
    fc.constantFrom('CN', 'SENT-BY', 'EMAIL', 'X-A', 'ROLE', 'cn'),
    fc.constantFrom('', 'mailto:', 'x '),
    address,
    fc.boolean(),
  )
  .map(([name, scheme, text, quoted]) => `;${name}=${quoted ? `"${scheme}${text}"` : `${scheme}${text}`}`)
const line = fc
  .tuple(
    fc.constantFrom('ATTENDEE', 'Organizer', 'SUMMARY'),
    fc.array(parameter, { maxLength: 4 }),
    fc.constantFrom('', 'mailto:', 'MAILTO: '),
    address,
  )
  .map(([name, parameters, scheme, text]) => `${name}${parameters.join('')}:${scheme}${text}`)
const folded = fc.tuple(line, fc.array(fc.nat(150), { maxLength: 3 })).map(([text, cuts]) => {
  const places = cuts.filter((cut) => cut > 0 && cut < text.length).toSorted((a, b) => a - b)
  return [0, ...places].map((place, i) => text.slice(place, places[i])).join('\r\n ')
})
const calendar = fc
  .array(folded, { minLength: 1, maxLength: 6 })
  .map((lines) => Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1'))

test('out and in again gives the same lines', () => {
  let changed = 0
  fc.assert(
    fc.property(fc.oneof(calendar, bytes), (ics) => {
      const out = rewriteCalendar(ics, outside)
      if (out === undefined) return
      changed++
      assert.equal(rewriteCalendar(out.ics, move('a.example', 'x.example')), undefined)
      const back = rewriteCalendar(out.ics, move('much.longer.shared.example', 'a.example'))
      assert.equal(unfolded(back?.ics ?? out.ics), unfolded(ics))
    }),
    { numRuns: 2000 },
  )
  assert.ok(changed > 500, `only ${changed} calendars were changed`)
})

test('lines that are not ORGANIZER or ATTENDEE keep every byte', () => {
  const other = fc.stringMatching(
    /^(?:SUMMARY|X-A|ATTACH|ACTION|DESCRIPTION)[:;][ -~\xa0-\xff]{0,100}(?:\r\n [ -~]{0,20}){0,2}$/,
  )
  const attendee = fc.constantFrom('ATTENDEE:mailto:a@a.example', 'ORGANIZER;CN="\xe4":mailto:a@a.\r\n example')
  fc.assert(
    fc.property(fc.array(fc.tuple(other, attendee), { minLength: 1, maxLength: 5 }), (pairs) => {
      const text = pairs.map((pair) => `${pair.join('\r\n')}\r\n`).join('')
      const found = rewriteCalendar(Buffer.from(text, 'latin1'), outside)?.ics.toString('latin1') ?? ''
      const rest = (all: string) => all.replaceAll(/^(?:ATTENDEE|ORGANIZER).*\r\n(?: .*\r\n)*/gm, '@\r\n')
      assert.equal(rest(found), rest(text))
    }),
  )
})

test('no line is made longer than 75 octets', () => {
  const longest = (ics: Buffer) => Math.max(...Array.from(ics.toString('latin1').split('\r\n'), (l) => l.length))
  fc.assert(
    fc.property(fc.stringMatching(/^[a-zäöü ]{200,300}$/), fc.integer({ min: 30, max: 37 }), (name, every) => {
      const text = `ATTENDEE;CN="${name}":mailto:mary.with.a.name.of.36.letters@a.example`
      const ics = Buffer.from(`${text.match(new RegExp(`.{1,${every}}`, 'g'))?.join('\r\n ')}\r\n`)
      const out = rewriteCalendar(ics, outside)?.ics
      assert.ok(out && longest(ics) <= 75 && longest(out) <= 75)
    }),
  )
})
