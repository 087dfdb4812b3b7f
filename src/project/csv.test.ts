import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDirectory } from './directory-file.ts'
import type { EntryText } from './entry.ts'
import { noFindings } from './findings.ts'

function read(bytes: Buffer | string): {
  readonly entries: readonly EntryText[]
  readonly problems: readonly string[]
} {
  const findings = noFindings()
  const entries = readDirectory(Buffer.from(bytes), 'f.csv', findings)
  return { entries, problems: findings.problems.map((p) => `${p.line}: ${p.text}`) }
}

const people =
  'Source,Target,Mode\na@s.example,a@t.example,None\nb@s.example,b@t.example,Day One\nc@s.example,c@t.example,daytwo\nd@s.example,d@t.example,Done\n'

test('people: what each mode means', () => {
  const source = (line: number): { source: { file: string; line: number } } => ({ source: { file: 'f.csv', line } })
  assert.deepEqual(read(people), {
    problems: [],
    entries: [
      { internal: 'a@s.example', external: 'a@s.example', aliases: ['a@t.example'], mode: 'None', ...source(2) },
      { internal: 'b@s.example', external: 'b@t.example', aliases: [], mode: 'DayOne', ...source(3) },
      { internal: 'c@t.example', external: 'c@s.example', aliases: [], mode: 'DayTwo', ...source(4) },
      { internal: 'd@t.example', external: 'd@t.example', aliases: ['d@s.example'], mode: 'Done', ...source(5) },
    ],
  })
})

test('the same people in every dress', () => {
  const expected = read(people)
  const dresses = {
    bom: `\ufeff${people}`,
    crlf: people.replaceAll('\n', '\r\n'),
    cr: people.replaceAll('\n', '\r'),
    semicolons: people.replaceAll(',', ';'),
    tabs: people.replaceAll(',', '\t'),
    quotes: people.replace(/[^,\n]+/g, '"$&"'),
    'spaces and no last line end': people.replaceAll(',', ' , ').trimEnd(),
    'other case': people.replace('Source,Target,Mode', 'SOURCE,target,mode'),
    'other order': people.replace(/^([^,]+),([^,]+),(.+)$/gm, '$3,$1,$2'),
    'utf-16 with BOM': Buffer.from(`\ufeff${people}`, 'utf16le'),
    'utf-16 without BOM': Buffer.from(people, 'utf16le'),
    'utf-16 big-endian': Buffer.from(`\ufeff${people}`, 'utf16le').swap16(),
  }
  for (const [name, dress] of Object.entries(dresses)) assert.deepEqual(read(dress), expected, name)
})

test('every bad row is told, by its line, whatever stands before it', () => {
  const rows = [
    'Source,Target,Mode',
    '"a',
    '@s.example",a@t.example,Done',
    'x"y,b,c',
    'b@s.example,b@t.example',
    '',
    ',,',
    'c@s.example,c@t.example,Never',
    '"open@s.example,d,Done',
  ]
  assert.deepEqual(read(rows.join('\r\n')).problems, [
    '2: Source is "a\\n@s.example", which is not an address.',
    '4: A quote stands where none can stand.',
    '5: The row has 2 fields; the header has 3 columns.',
    '8: Mode is "Never".',
    '9: A quote is opened in or after this row and never closed.',
  ])
})

test('Edge entries: domains, wildcards, exceptions, and empty optional columns in any row', () => {
  const text = [
    'Name,InternalAddress,ExternalAddress,ExceptionList,OutboundOnly',
    '"Wingtip UK",*.wingtiptoys.co.uk,tailspintoys.com,"legal.wingtiptoys.co.uk,finance.wingtiptoys.co.uk",True',
    'Contoso,contoso.com,fabrikam.com,,',
    'Chris,chris@contoso.com,c@fabrikam.com,,False',
  ].join('\n')
  const { entries, problems } = read(text)
  assert.deepEqual(problems, [])
  assert.deepEqual(
    entries.map(({ source: _, ...entry }) => entry),
    [
      {
        name: 'Wingtip UK',
        internal: '*.wingtiptoys.co.uk',
        external: '@tailspintoys.com',
        outboundOnly: true,
        except: ['legal.wingtiptoys.co.uk', 'finance.wingtiptoys.co.uk'],
      },
      { name: 'Contoso', internal: '@contoso.com', external: '@fabrikam.com', outboundOnly: false, except: [] },
      { name: 'Chris', internal: 'chris@contoso.com', external: 'c@fabrikam.com', outboundOnly: false, except: [] },
    ],
  )
  assert.deepEqual(read('Name,InternalAddress,ExternalAddress\nA,a.example,b.example').entries.length, 1)
})

test('broken quotes without end are told a hundred times, not for ever', () => {
  const text = `Source,Target,Mode\n${'x"y,b,c\n'.repeat(50_000)}`
  assert.ok(read(text).problems.length <= 102)
})
