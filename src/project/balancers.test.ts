import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadProjectText, problemText } from './project.ts'

const project = (proxies: string): string => `name: test
gateway: { hostname: gw.example.net${proxies} }
tenants:
  - name: one
    kind: smtp
    domains: [one.example]
    from: { addresses: [192.0.2.0/24] }
    to: { host: mail.one.example }
`

function loaded(proxies: string) {
  const result = loadProjectText(Buffer.from(project(proxies)), 'project.yaml')
  assert.ok(result.ok, JSON.stringify(result))
  return result
}

test('balancers are networks; without them nobody is one', () => {
  assert.deepEqual(loaded(', proxies: [198.51.100.7, "2001:db8::/64"]').value.gateway.proxies, [
    '198.51.100.7/32',
    '2001:db8::/64',
  ])
  assert.equal(loaded('').value.gateway.proxies, undefined)
})

test('a balancer that is an address of a tenant too is a warning: it would be taken for that tenant', () => {
  const { warnings } = loaded(', proxies: [198.51.100.7, 192.0.2.9]')
  assert.deepEqual(warnings.map(problemText), [
    'project.yaml:2: gateway.proxies has 192.0.2.9/32, which is also an address of tenant one (192.0.2.0/24).\n    Behind a balancer a tenant is known by its own addresses, which the PROXY header tells; list those.',
  ])
})
