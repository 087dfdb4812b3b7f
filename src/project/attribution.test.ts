import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadProjectText, problemText } from './project.ts'

const dir = mkdtempSync(join(tmpdir(), 'attribution-'))
after(() => rmSync(dir, { recursive: true }))
writeFileSync(join(dir, 'new.key'), 'the-new-value-of-the-secret\n')
writeFileSync(join(dir, 'old.key'), 'the-old-value-of-the-secret\n')
writeFileSync(join(dir, 'short.key'), '1234567\n')

const load = (...froms: readonly string[]) => {
  const tenants = froms.map((from, i) => {
    const [kind, demands] = from.split('|')
    return `  - { name: t${i}, kind: ${kind}, domains: [t${i}.example], from: { ${demands} }, to: { host: mx.example } }\n`
  })
  const text = `name: p\ngateway: { hostname: gw.example.net }\ntenants:\n${tenants.join('')}`
  return loadProjectText(Buffer.from(text), join(dir, 'p.yaml'))
}
const said = (result: ReturnType<typeof load>) => (result.ok ? '' : result.problems.map(problemText).join('\n'))

type Shown = { cert: string[]; network: string[]; secret: boolean; organisation: boolean }

/** What somebody else can show. Server names and headers can be made up; one thing cannot: a header that Microsoft overwrites. */
const others: Readonly<Record<string, Shown>> = {
  'another customer of Microsoft': { cert: ['microsoft'], network: ['microsoft'], secret: false, organisation: false },
  'a stranger': { cert: [], network: ['anywhere'], secret: false, organisation: true },
  'a stranger in the Azure cloud': { cert: [], network: ['microsoft'], secret: false, organisation: true },
}
const spelling = {
  certificate: { none: '', own: 'own.example', microsoft: 'mail.protection.outlook.com', wildcard: '"*.outlook.com"' },
  addresses: { none: '', own: '192.0.2.0/24', microsoft: '40.107.3.0/24' },
}
type Combination = {
  certificate: keyof typeof spelling.certificate
  addresses: keyof typeof spelling.addresses
  serverName: boolean
  secret: boolean
  organisation: boolean
}

function combinations(): Combination[] {
  const both = [false, true]
  return (Object.keys(spelling.certificate) as Combination['certificate'][]).flatMap((certificate) =>
    (Object.keys(spelling.addresses) as Combination['addresses'][]).flatMap((addresses) =>
      both.flatMap((serverName) =>
        both.flatMap((secret) =>
          both.map((organisation) => ({ certificate, addresses, serverName, secret, organisation })),
        ),
      ),
    ),
  )
}

const demandsOf = (c: Combination): string =>
  [
    c.certificate === 'none' ? '' : `certificate: [${spelling.certificate[c.certificate]}]`,
    c.addresses === 'none' ? '' : `addresses: [${spelling.addresses[c.addresses]}]`,
    c.serverName ? 'serverName: t.gw.example.net' : '',
    c.secret ? 'secret: { header: X-Key, valueFile: new.key }' : '',
    c.organisation ? 'organisation: 00000000-1111-2222-3333-444444444444' : '',
  ]
    .filter((part) => part !== '')
    .join(', ')

function meets(other: Shown, c: Combination): boolean {
  const kind = c.certificate === 'wildcard' ? 'microsoft' : c.certificate
  // Microsoft's certificate from an address of one's own is the work of a balancer: everybody comes from there.
  const isBalancer = kind === 'microsoft' && c.addresses === 'own' && other.cert.includes(kind)
  return (
    (kind === 'none' || other.cert.includes(kind)) &&
    (c.addresses === 'none' || isBalancer || other.network.includes(c.addresses)) &&
    (!c.secret || other.secret) &&
    (!c.organisation || other.organisation)
  )
}

for (const kind of ['exchange-online', 'smtp']) {
  test(`${kind}: what somebody else could meet does not load, and everything else does`, () => {
    for (const combination of combinations()) {
      const demands = demandsOf(combination)
      const intruders = Object.keys(others).filter((name) => {
        const other = others[name]
        return other !== undefined && meets(other, combination)
      })
      // The addresses of an Exchange Online tenant are never its own, whatever the file says.
      const shared =
        kind === 'exchange-online' && combination.certificate === 'none' && !combination.secret && demands !== ''
      const result = load(`${kind}|${demands}`)
      assert.equal(
        result.ok,
        intruders.length === 0 && !shared,
        `${demands || 'nothing'}: ${intruders.join(', ') || 'nobody'}\n${said(result)}`,
      )
    }
  })
}

test('a wildcard that reaches Microsoft’s names, or everybody’s, is no name of one’s own', () => {
  for (const name of ['*.outlook.com', '*.protection.outlook.com', 'contoso.onmicrosoft.com', '*.com', 'OUTLOOK.COM'])
    assert.ok(!load(`smtp|certificate: ["${name}"]`).ok, name)
  assert.ok(load('smtp|certificate: ["*.notoutlook.com", outlook.com.example]').ok)
  // One of Microsoft's that does not carry its customers' mail says nothing about the organisation in the header.
  assert.ok(!load('exchange-online|certificate: [login.microsoftonline.com], organisation: contoso.example').ok)
})

test('a secret that everybody can read is none', () => {
  for (const header of [
    'X-OriginatorOrg',
    'X-MS-Exchange-CrossTenant-Id',
    'x-ms-has-attach',
    'X-Forefront-Antispam-Report',
  ])
    assert.match(
      said(load(`smtp|secret: { header: ${header}, valueFile: new.key }`)),
      /a field that every mail has/,
      header,
    )
  assert.match(said(load('smtp|secret: { header: X-Key, valueFile: short.key }')), /only 7 characters/)
})

test('an organisation is a tenant ID or a domain', () => {
  const from = (organisation: string) =>
    load(`exchange-online|certificate: [mail.protection.outlook.com], organisation: "${organisation}"`)
  const demanded = (organisation: string) => {
    const result = from(organisation)
    return result.ok ? result.value.tenants[0]?.from.organisation : said(result)
  }
  const id = 'ABCDEF00-1111-2222-3333-444444444444'
  assert.deepEqual(demanded(id), { header: 'X-MS-Exchange-CrossTenant-Id', value: id.toLowerCase() })
  assert.deepEqual(demanded('Contoso.Example'), { header: 'X-OriginatorOrg', value: 'contoso.example' })
  for (const wrong of ['contoso', 'ABCDEF00-1111', 'a b.example', '*.contoso.example'])
    assert.match(said(from(wrong)), /neither a tenant ID nor a domain/, wrong)
})

const microsoft = 'certificate: [mail.protection.outlook.com]'
const secret = (now: string, before?: string) =>
  `exchange-online|secret: { header: X-Key, valueFile: ${now}${before === undefined ? '' : `, previousValueFile: ${before}`} }`
const organisation = (name: string) => `exchange-online|${microsoft}, organisation: ${name}`

test('two tenants that one message could belong to do not load', () => {
  const apart: readonly (readonly [string, string])[] = [
    [secret('new.key'), secret('old.key')],
    [organisation('a.example'), organisation('b.example')],
  ]
  const overlapping: readonly (readonly [string, string])[] = [
    [secret('new.key'), secret('new.key')],
    [secret('new.key', 'old.key'), secret('old.key')],
    [secret('old.key'), secret('new.key', 'old.key')],
    [organisation('a.example'), organisation('a.example')],
    // One organisation has both.
    [organisation('a.example'), organisation('00000000-1111-2222-3333-444444444444')],
  ]
  for (const [a, b] of apart) assert.ok(load(a, b).ok, `${a} and ${b}: ${said(load(a, b))}`)
  for (const [a, b] of overlapping)
    assert.match(said(load(a, b)), /could be both tenant t0 and tenant t1/, `${a} and ${b}`)
})

test('both values of a secret, and never in a sentence', () => {
  const result = load(secret('new.key', 'old.key'))
  assert.ok(result.ok)
  assert.deepEqual(result.value.tenants[0]?.from.secret, {
    header: 'X-Key',
    value: 'the-new-value-of-the-secret',
    previousValue: 'the-old-value-of-the-secret',
  })
  const same = load(secret('new.key', 'new.key'))
  assert.ok(same.ok)
  assert.match(same.warnings.map(problemText).join('\n'), /Both values of the secret of tenant t0 are the same/)
  assert.doesNotMatch(same.warnings.map(problemText).join('\n'), /value-of-the-secret/)
  assert.match(said(load(secret('new.key', 'gone.key'))), /"gone.key", which does not exist/)
})
