import assert from 'node:assert/strict'
import { test } from 'node:test'
import { projectOf, recipient, sender } from '../../../test/support/relay-values.ts'
import { tenantNamed } from '../../project/project.ts'
import type { Peer, Proof, TenantPeer } from './attribute.ts'
import { mayRelay, type Route, route, routeAsOpen } from './route.ts'

const projectText = `
name: p
gateway: { hostname: gw.example.net }
tenants:
  - { name: one, kind: smtp, domains: [one.example, second.example], alsoSends: [brand.example], from: { addresses: [192.0.2.1] }, to: { host: mx.one.example } }
  - { name: two, kind: smtp, domains: [two.example], from: { addresses: [192.0.2.2] }, to: { host: mx.two.example } }
directory:
  - { internal: john@one.example, external: john@shared.example, aliases: [js@old.example] }
  - { internal: mary@two.example, external: mary@shared.example }
  - { internal: ann@one.example, external: ann@held.example }
  - { internal: "@second.example", external: "@wide.example" }
  - { internal: robot@two.example, external: noreply@shared.example, outboundOnly: true }
domains:
  - { name: shared.example }
  - { name: wide.example }
  - { name: home.example, unknown: { tenant: two } }
  - { name: old.example }
  - { name: held.example, mode: hold, unknown: { tenant: two } }
  - { name: strict.example, mode: hold }
  - { name: later.example, mode: retry-later }
`
const project = projectOf(projectText)

function tenantPeer(
  name: string,
  proofs: readonly Proof[] = ['address'],
  certificateNames: readonly string[] = [],
): TenantPeer {
  const tenant = tenantNamed(project, name)
  assert.ok(tenant)
  return { kind: 'tenant', tenant, proofs, certificateNames }
}
const one = tenantPeer('one')
const two = tenantPeer('two')
const net: Peer = { kind: 'internet', why: 'no connector matches' }

function way(peer: Peer, to: string, from = 'john@one.example'): string {
  return told(route(project, peer, sender(from), recipient(to)))
}

function told(found: Route): string {
  switch (found.kind) {
    case 'inside':
      return `${found.tenant.name} ${found.to}`
    case 'outside':
      return `outside ${found.domain}`
    case 'held':
      return `held: ${told(found.way)}`
    case 'refused':
      return `${found.reply.code} ${found.reply.enhanced}`
  }
}

test('the postmaster of the gateway is reached from everywhere, and lives inside', () => {
  const ours = ['postmaster@gw.example.net', 'POSTMASTER@GW.example.net']
  for (const to of ours) for (const peer of [one, two, net]) assert.equal(way(peer, to), 'one postmaster@one.example')
  assert.equal(way(net, 'abuse@gw.example.net'), '550 5.7.1')
  assert.equal(way(net, 'postmaster@one.example'), '550 5.1.1')
  const at = (postmaster: string, to = ours[0] ?? '') => {
    const named = projectOf(
      projectText.replace('hostname: gw.example.net', `hostname: gw.example.net, postmaster: "${postmaster}"`),
    )
    return told(route(named, net, sender('joe@away.example'), recipient(to)))
  }
  assert.equal(at('mary@shared.example'), 'two mary@two.example', 'a person, by the directory')
  assert.equal(at('mail.team@two.example'), 'two mail.team@two.example')
  assert.equal(at('team@home.example'), 'two team@home.example', 'where nobody is known')
  assert.equal(at('nobody@shared.example'), 'one postmaster@one.example', 'who is nobody does not read it')
  assert.equal(at('mary@shared.example', 'abuse@gw.example.net'), '550 5.7.1')
})

test('people are reached by any of their addresses, from everywhere', () => {
  for (const to of [
    'john@one.example',
    'john@shared.example',
    'js@old.example',
    'JOHN@SHARED.EXAMPLE',
    'john+x@shared.example',
  ]) {
    const rewritten = to.includes('+') ? 'one john+x@one.example' : 'one john@one.example'
    assert.equal(way(net, to), rewritten, to)
    assert.equal(way(two, to), rewritten, to)
  }
})

test('the table of docs/flow.md', () => {
  const rows: readonly (readonly [Peer, string, string])[] = [
    [net, 'any@wide.example', 'one any@second.example'],
    [net, 'any@second.example', 'one any@second.example'],
    [net, 'nobody@shared.example', '550 5.1.1'],
    [net, 'nobody@one.example', '550 5.1.1'],
    [net, 'nobody@home.example', 'two nobody@home.example'],
    [net, 'x@outside.example', '550 5.7.1'],
    [net, 'john@held.example', 'held: two john@held.example'],
    [one, 'john@held.example', 'held: two john@held.example'],
    [two, 'john@held.example', '554 5.4.6'],
    [net, 'ann@held.example', 'held: one ann@one.example'],
    [net, 'nobody@strict.example', '550 5.1.1'],
    [net, 'john@later.example', '451 4.3.2'],
    [one, 'nobody@two.example', 'two nobody@two.example'],
    [two, 'nobody@one.example', 'one nobody@one.example'],
    [one, 'nobody@shared.example', '550 5.1.1'],
    [one, 'nobody@home.example', 'two nobody@home.example'],
    [one, 'x@outside.example', 'outside outside.example'],
    [one, 'x@OUTSIDE.example', 'outside outside.example'],
    // Known for the way out only.
    [net, 'noreply@shared.example', '550 5.1.1'],
    [net, 'robot@two.example', '550 5.1.1'],
    [one, 'robot@two.example', 'two robot@two.example'],
  ]
  for (const [peer, to, expected] of rows) assert.equal(way(peer, to), expected, `${peer.kind} to ${to}`)
})

test('back into its own tenant: right when the recipient was rewritten, a loop when it was not', () => {
  assert.equal(way(one, 'john@shared.example'), 'one john@one.example')
  assert.equal(way(one, 'js@old.example'), 'one john@one.example')
  for (const to of ['john@one.example', 'nobody@one.example', 'any@second.example'])
    assert.equal(way(one, to), '554 5.4.6', to)
  assert.equal(way(two, 'nobody@home.example'), '554 5.4.6')
  // Only the spelling differs: the tenant would send it back again.
  assert.equal(way(one, 'JOHN@one.example'), '554 5.4.6')
  assert.equal(way(one, 'john@ONE.example'), '554 5.4.6')
})

test('bounce addresses find their tenant by domain, unchanged', () => {
  const rows: readonly (readonly [Peer, string, string])[] = [
    [net, 'SRS0=abc=XY=x.example=z@one.example', 'one SRS0=abc=XY=x.example=z@one.example'],
    [net, 'prvs=12ab=john@one.example', 'one prvs=12ab=john@one.example'],
    [net, 'john+zoe=x.example@wide.example', 'one john+zoe=x.example@wide.example'],
    [net, 'john+zoe=x.example@home.example', 'two john+zoe=x.example@home.example'],
    [net, 'john+zoe=x.example@shared.example', '550 5.1.1'],
    [net, 'john+zoe=x.example@outside.example', '550 5.7.1'],
    [two, 'john+zoe=x.example@one.example', 'one john+zoe=x.example@one.example'],
    [one, 'john+zoe=x.example@one.example', '554 5.4.6'],
    // Outside it is anybody's, and this null sender is of a tenant known by its address alone.
    [one, 'SRS0=abc=XY=x.example=z@outside.example', '550 5.7.1'],
    [net, 'prvs=12ab=john@held.example', 'held: two prvs=12ab=john@held.example'],
  ]
  for (const [peer, to, expected] of rows) assert.equal(way(peer, to, ''), expected, to)
})

test('the relay rule: the certificate, or the envelope sender, has an accepted domain', () => {
  const may = (peer: TenantPeer, from: string) => {
    const verdict = mayRelay(peer, sender(from))
    return verdict.ok ? 'yes' : `${verdict.reply.code} ${verdict.why}`
  }
  const cert = (...names: readonly string[]) => tenantPeer('one', ['certificate'], names)
  const yes: readonly (readonly [TenantPeer, string])[] = [
    [one, 'a@one.example'],
    [one, 'a@SECOND.example'],
    [one, 'a@brand.example'],
    [cert('one.example'), 'a@outside.example'],
    [cert('*.one.example'), 'a@outside.example'],
    [cert('mail.hoster.example', 'mx.one.example'), ''],
    [cert('mail.hoster.example'), 'a@one.example'],
    [cert('mail.hoster.example'), ''],
    [tenantPeer('one', ['address', 'secret header']), ''],
  ]
  for (const [peer, from] of yes) assert.equal(may(peer, from), 'yes', `${peer.certificateNames.join()} ${from}`)
  const no: readonly (readonly [TenantPeer, string, RegExp])[] = [
    [one, 'a@outside.example', /neither a certificate nor the sender's outside\.example/],
    [one, 'a@two.example', /^550/],
    [one, 'a@mail.one.example', /^550/],
    [cert('mail.hoster.example'), 'a@outside.example', /^550/],
    [cert('evilone.example'), 'a@outside.example', /^550/],
    [cert('example'), 'a@outside.example', /^550/],
    [cert('brand.example'), 'a@outside.example', /^550/],
    [one, '', /known by its address alone.*certificate/],
    [tenantPeer('one', ['address', 'server name']), '', /^550/],
  ]
  for (const [peer, from, why] of no) assert.match(may(peer, from), why)
})

test('an entry that leads nowhere of ours opens no way: what it leads to is looked up for each recipient', () => {
  // As loading would never let it in: the table has the entry, and no tenant has its domain any more.
  const changed = { ...project, tenants: project.tenants.filter(({ name }) => name !== 'two') }
  const asked = (peer: Peer, to: string) => told(route(changed, peer, sender('john@one.example'), recipient(to)))
  assert.equal(way(net, 'mary@shared.example'), 'two mary@two.example')
  assert.equal(asked(net, 'mary@shared.example'), '550 5.1.1')
  assert.equal(asked(one, 'mary@shared.example'), '550 5.1.1')
  assert.equal(asked(net, 'mary@two.example'), '550 5.7.1')
})

test('the relay rule is about the outside alone', () => {
  assert.equal(way(one, 'mary@shared.example', 'a@outside.example'), 'two mary@two.example')
  assert.equal(way(one, 'mary@shared.example', ''), 'two mary@two.example')
  assert.equal(way(one, 'x@outside.example', 'a@outside.example'), '550 5.7.1')
})

test('neither is this machine, under the name that every machine has for itself', () => {
  for (const to of ['a@localhost', 'a@LOCALHOST', 'a@mail.localhost'])
    for (const peer of [net, one]) assert.equal(way(peer, to), way(net, 'a@[127.0.0.1]'), to)
  assert.equal(way(one, 'a@localhost.example'), 'outside localhost.example')
})

test('an address literal is nobody that mail goes to, whoever asks', () => {
  for (const peer of [net, one]) assert.equal(way(peer, 'x@[127.0.0.1]'), '550 5.1.2')
})

test('unknown people of a domain with mailboxes in two tenants: the other tenant is asked', () => {
  const relayed = projectOf(`
name: p
gateway: { hostname: gw.example.net }
tenants:
  - { name: one, kind: smtp, domains: [one.example], from: { addresses: [192.0.2.1] }, to: { host: mx.one.example } }
  - { name: two, kind: smtp, domains: [two.example], from: { addresses: [192.0.2.2] }, to: { host: mx.two.example } }
domains: [{ name: one.example, unknown: { tenant: two } }]
`)
  const ask = (name: string) => {
    const tenant = tenantNamed(relayed, name)
    assert.ok(tenant)
    const found = route(relayed, { ...one, tenant }, sender('a@one.example'), recipient('nobody@one.example'))
    return found.kind === 'inside' ? found.tenant.name : found.kind
  }
  assert.equal(ask('one'), 'two')
  assert.equal(ask('two'), 'one')
})

test('retry-later names its domain for the ledger; as open it is any other', () => {
  const later = route(project, net, sender('a@x.example'), recipient('john@LATER.example'))
  assert.ok(later.kind === 'refused')
  assert.equal(later.retryLater, 'later.example')
  assert.equal(told(routeAsOpen(project, net, sender('a@x.example'), recipient('john@later.example'))), '550 5.1.1')
  assert.equal(
    told(routeAsOpen(project, net, sender('a@x.example'), recipient('ann@held.example'))),
    'one ann@one.example',
  )
})
