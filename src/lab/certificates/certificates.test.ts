import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { issue, makeCa } from './certificates.ts'

test('what the authority issues is its own, fits its key and carries its names', () => {
  const ca = makeCa({ name: 'Lab root' })
  const root = new X509Certificate(ca.cert)
  const issued = issue({ ca, names: ['gw.example.net', '*.example.net'] })
  const leaf = new X509Certificate(issued.cert)
  assert.ok(root.ca)
  assert.ok(root.verify(root.publicKey))
  assert.ok(leaf.checkIssued(root))
  assert.ok(leaf.verify(root.publicKey))
  assert.ok(leaf.checkPrivateKey(createPrivateKey(issued.key)))
  assert.equal(leaf.subject, 'CN=gw.example.net')
  assert.equal(leaf.checkHost('gw.example.net'), 'gw.example.net')
  assert.equal(leaf.checkHost('x.example.net'), '*.example.net')
  assert.equal(leaf.checkHost('example.org'), undefined)
})

test('another authority of the same name did not issue it', () => {
  const leaf = new X509Certificate(issue({ ca: makeCa(), names: ['a.example'] }).cert)
  assert.equal(leaf.verify(new X509Certificate(makeCa().cert).publicKey), false)
})
