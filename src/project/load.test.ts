import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { asIdentity, issue, makeCa } from '../../test/support/certificates.ts'
import { parseAddress } from '../mail/address/address.ts'
import { loadProject, type Problem, type Project, servedDomain, tenantNamed, tenantOfDomain } from './project.ts'

const folder = mkdtempSync(join(tmpdir(), 'causeway-project-'))
after(() => rmSync(folder, { recursive: true }))

const ca = makeCa()
const gateway = issue({ ca, names: ['gw.example.net'] })
writeFileSync(join(folder, 'ca.pem'), ca.cert)
writeFileSync(join(folder, 'gw.crt'), gateway.chain)
writeFileSync(join(folder, 'gw.key'), gateway.key)
writeFileSync(join(folder, 'contoso.key'), '0123456789abcdef0123456789abcdef\r\n')
writeFileSync(join(folder, 'contoso.pass'), 'right\n')
copyFileSync(join(import.meta.dirname, '../../test/bad-projects/19-wrong-password/gw.pfx'), join(folder, 'contoso.pfx'))

function write(text: string, file = 'project.yaml'): string {
  writeFileSync(join(folder, file), text)
  return join(folder, file)
}

function load(text: string): { readonly project: Project; readonly warnings: readonly Problem[] } {
  const result = loadProject(write(text))
  assert.ok(result.ok, JSON.stringify(result))
  return { project: result.value, warnings: result.warnings }
}

const whole = `
name: contoso-joins-fabrikam
gateway:
  hostname: GW.example.net
  arc: { domain: GW.example.net., selector: arc1, keyFile: arc.key }
  tls: { cert: gw.crt, key: gw.key }
tenants:
  - name: contoso
    kind: exchange-online
    domains: [contoso.example, Legacy.example]
    alsoSends: [shared.example]
    from:
      certificate: [contoso.example, "*.Contoso.example"]
      ca: ca.pem
      addresses: [192.0.2.0/24, 2001:db8::1]
      serverName: T1.gw.example.net
      secret: { header: X-Causeway-Key, valueFile: contoso.key }
    to:
      host: contoso-example.mail.protection.outlook.com
      port: 2525
      tls: opportunistic
      ca: ca.pem
      serverName: mail.protection.outlook.com
      certificate: { pfx: contoso.pfx, passwordFile: contoso.pass }
    outbound: { smarthost: { host: smart.example, port: 587, tls: none } }
  - name: fabrikam
    kind: smtp
    domains: [fabrikam.example, bücher.example]
    from: { addresses: [198.51.100.7, "::ffff:203.0.113.0/120"] }
    to: { host: 127.0.0.1 }
directory:
  - { internal: john.smith@contoso.example, external: john.smith@shared.example, aliases: [js@old.example] }
  - { internal: "@fabrikam.example", external: "@shared.example" }
  - { internal: "*.legacy.example", external: "@shared.example", outboundOnly: true, except: [legal.legacy.example] }
directoryFiles: [people.csv, edge-entries.csv]
domains:
  - name: Shared.example
    mode: hold
    unknown: { tenant: contoso }
    dkim: { selector: cw1, keyFile: shared.key, ed25519: { selector: cw2, keyFile: shared-ed.key } }
policy:
  fields: edge
  calendar: false
  reports: false
  ambiguousFrom: pass
  dmarc: report
  trustedArcSealers: [Lists.example.]
  notRewrittenFor: [Partner.example, "*.Partner.example", Ann@Else.example]
  whenNextHopFails: defer
`
writeFileSync(join(folder, 'people.csv'), 'Source,Target,Mode\nann@contoso.example,ann@fabrikam.example,DayTwo\n')
writeFileSync(
  join(folder, 'edge-entries.csv'),
  'Name,InternalAddress,ExternalAddress,ExceptionList,OutboundOnly\nBooks,bücher.example,shared.example,,True\n',
)

test('everything that a project file can say', () => {
  const { project, warnings } = load(whole)
  const arc = { domain: 'gw.example.net', selector: 'arc1', keyFile: join(folder, 'arc.key') }
  assert.deepEqual(project.gateway, { hostname: 'gw.example.net', tls: asIdentity(gateway), arc })
  const [contoso, fabrikam] = project.tenants
  assert.deepEqual(contoso?.domains, ['contoso.example', 'legacy.example'])
  assert.deepEqual(contoso?.from, {
    certificate: ['contoso.example', '*.contoso.example'],
    ca: Buffer.from(ca.cert),
    addresses: ['192.0.2.0/24', '2001:db8::1/128'],
    serverName: 't1.gw.example.net',
    secret: { header: 'X-Causeway-Key', value: '0123456789abcdef0123456789abcdef' },
  })
  assert.ok(contoso.to.identity)
  assert.ok(new X509Certificate(contoso.to.identity.cert).checkPrivateKey(createPrivateKey(contoso.to.identity.key)))
  assert.equal(contoso.to.serverName, 'mail.protection.outlook.com')
  assert.deepEqual(contoso.outbound, {
    kind: 'smarthost',
    hop: { host: 'smart.example', port: 587, tls: 'none', serverName: 'smart.example' },
  })
  assert.deepEqual(fabrikam, {
    name: 'fabrikam',
    kind: 'smtp',
    domains: ['fabrikam.example', 'xn--bcher-kva.example'],
    alsoSends: [],
    from: { certificate: [], addresses: ['198.51.100.7/32', '203.0.113.0/24'] },
    to: { host: '127.0.0.1', port: 25, tls: 'required', serverName: '127.0.0.1' },
    outbound: { kind: 'return' },
  })
  const dkim = {
    selector: 'cw1',
    keyFile: join(folder, 'shared.key'),
    ed25519: { selector: 'cw2', keyFile: join(folder, 'shared-ed.key') },
  }
  assert.deepEqual(project.domains, [
    { name: 'shared.example', mode: 'hold', unknown: { kind: 'tenant', tenant: 'contoso' }, dkim },
  ])
  assert.deepEqual(project.policy, {
    fields: 'edge',
    calendar: false,
    reports: false,
    ambiguousFrom: 'pass',
    dmarc: 'report',
    trustedArcSealers: ['lists.example'],
    notRewrittenFor: ['partner.example', '*.partner.example', 'ann@else.example'],
    whenNextHopFails: 'defer',
    warnAfterMs: 14_400_000,
    returnAfterMs: 172_800_000,
  })
  assert.deepEqual(
    [...project.table.entries()].map((e) => e.id),
    [
      'john.smith@contoso.example -> john.smith@shared.example',
      '@fabrikam.example -> @shared.example',
      '*.legacy.example -> @shared.example',
      'ann@fabrikam.example -> ann@contoso.example',
      'Books',
    ],
  )
  assert.deepEqual(
    warnings.map((w) => w.line),
    [whole.split('\n').findIndex((line) => line.includes('js@old.example')) + 1],
  )
  assert.match(warnings[0]?.text ?? '', /^The domain of the alias js@old\.example/)
  assert.ok(Object.isFrozen(project) && Object.isFrozen(project.tenants[0]?.from) && Object.isFrozen(project.table))
})

const little = `
name: little
gateway: { hostname: gw.example.net }
tenants:
  - { name: one, kind: smtp, domains: [one.example], from: { addresses: [192.0.2.1] }, to: { host: mail.one.example } }
domains: [{ name: shared.example }]
`

test('defaults: what a short file leaves out', () => {
  const { project, warnings } = load(little)
  assert.deepEqual(warnings, [])
  assert.deepEqual(project.policy, {
    fields: 'full',
    calendar: true,
    reports: true,
    ambiguousFrom: 'refuse',
    dmarc: 'honour',
    trustedArcSealers: [],
    notRewrittenFor: [],
    whenNextHopFails: 'queue',
    warnAfterMs: 14_400_000,
    returnAfterMs: 172_800_000,
  })
  assert.deepEqual(project.domains, [{ name: 'shared.example', mode: 'open', unknown: { kind: 'reject' } }])
  assert.deepEqual(project.tenants[0]?.to, {
    host: 'mail.one.example',
    port: 25,
    tls: 'required',
    serverName: 'mail.one.example',
  })
  assert.equal(project.table.size, 0)
})

test('BOM, CRLF and comments are no trouble, and lines are still right', () => {
  const { project } = load(`\ufeff# a project\r\n${little.replaceAll('\n', '\r\n')}`)
  assert.equal(project.name, 'little')
  const bad = loadProject(
    write(`\ufeff# a project\r\n${little.replaceAll('\n', '\r\n').replace('192.0.2.1', '192.0.2.x')}`),
  )
  assert.ok(!bad.ok)
  assert.equal(bad.problems[0]?.line, 6)
})

test('tenants and domains are found by name, in any spelling of a domain', () => {
  const { project } = load(whole)
  assert.equal(tenantNamed(project, 'fabrikam')?.name, 'fabrikam')
  assert.equal(tenantNamed(project, 'nobody'), undefined)
  assert.equal(tenantOfDomain(project, 'BÜCHER.example')?.name, 'fabrikam')
  assert.equal(tenantOfDomain(project, 'sub.contoso.example'), undefined)
  assert.equal(servedDomain(project, 'SHARED.example.')?.name, 'shared.example')
})

test('an entry that changes is checked against the domains of the project', () => {
  const { project } = load(whole)
  const next = project.table.with({ put: [{ internal: 'x@nowhere.example', external: 'x@shared.example' }] })
  assert.ok(!next.ok)
  assert.match(next.problems[0]?.text ?? '', /No tenant has the domain/)
})

test('a secret or a certificate of its own makes an Exchange Online tenant', () => {
  const online = (from: string): string =>
    little.replace('kind: smtp', 'kind: exchange-online').replace('{ addresses: [192.0.2.1] }', from)
  for (const from of [
    '{ secret: { header: X-Key, valueFile: contoso.key } }',
    '{ certificate: [t1.one.example] }',
    '{ addresses: [40.92.0.0/15], secret: { header: X-Key, valueFile: contoso.key } }',
  ]) {
    load(online(from))
  }
  assert.ok(!loadProject(write(online('{ addresses: [40.92.0.0/15] }'))).ok)
})

test('two tenants may share what does not tell them apart, as long as something does', () => {
  const two = (one: string, other: string): string => {
    const tenant = (name: string, from: string): string =>
      `  - { name: ${name}, kind: smtp, domains: [${name}.example], from: ${from}, to: { host: a.example } }\n`
    return `name: two\ngateway: { hostname: gw.example.net }\ntenants:\n${tenant('one', one)}${tenant('two', other)}`
  }
  const secret = 'secret: { header: X-Key, valueFile: contoso.key }'
  writeFileSync(join(folder, 'other.key'), 'fedcba9876543210fedcba9876543210')
  for (const [one, other, warned] of [
    [
      '{ addresses: [10.0.0.0/8], certificate: [a.example] }',
      '{ addresses: [10.1.0.0/16], certificate: [b.example] }',
      0,
    ],
    ['{ addresses: [10.0.0.1], serverName: t1.gw.example }', '{ addresses: [10.0.0.1], serverName: t2.gw.example }', 0],
    [`{ addresses: [10.0.0.1], ${secret} }`, `{ addresses: [10.0.0.1], ${secret.replace('contoso', 'other')} }`, 0],
    ['{ certificate: [a.example] }', '{ addresses: [10.0.0.1] }', 1],
  ] as const) {
    assert.equal(load(two(one, other)).warnings.length, warned, one)
  }
  for (const [one, other] of [
    [`{ addresses: [10.0.0.1], ${secret} }`, `{ addresses: [10.0.0.1], ${secret} }`],
    ['{ addresses: [10.0.0.1], certificate: [a.example] }', '{ addresses: [10.0.0.1] }'],
  ] as const) {
    assert.ok(!loadProject(write(two(one, other))).ok, one)
  }
})

test('no file, a folder: said, not thrown', () => {
  for (const file of [join(folder, 'nowhere.yaml'), folder]) {
    const result = loadProject(file)
    assert.ok(!result.ok)
    assert.equal(result.problems.length, 1)
  }
})

test('a secret is never part of a sentence', () => {
  writeFileSync(join(folder, 'spaced.key'), 'do not tell anybody ')
  const result = loadProject(
    write(little.replace('addresses: [192.0.2.1]', 'secret: { header: X-Key, valueFile: spaced.key }')),
  )
  assert.ok(!result.ok)
  assert.ok(!JSON.stringify(result).includes('anybody'))
})

test('the table of a loaded project answers', () => {
  const { project } = load(whole)
  const address = parseAddress('ann@contoso.example')
  assert.ok(address)
  assert.equal(project.table.internal(address).to, 'ann@fabrikam.example')
})
