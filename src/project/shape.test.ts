// A process of its own: what is told first must not depend on what was told before it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemText } from './findings.ts'
import { loadProjectText } from './load.ts'

test('the first unknown field of all is told with the fields that exist, and with the one that was meant', () => {
  const text = 'name: x\ngateway: { hostname: gw.example.net, xyzzy: 1, hostnam: 2 }\ntenants: []\ndomains: []\n'
  const loaded = loadProjectText(Buffer.from(text), 'causeway.yaml')
  const told = loaded.ok ? '' : loaded.problems.map(problemText).join('\n')
  assert.match(
    told,
    /"xyzzy", which does not exist\.\n +Remove it; the fields here are hostname, tls, proxies, postmaster, arc, diskReserve, limits\./,
  )
  assert.match(told, /"hostnam", which does not exist\.\n +Did you mean hostname\?/)
})
