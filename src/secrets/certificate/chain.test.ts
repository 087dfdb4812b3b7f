import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { type Ca, type Issued, type IssueOptions, issue, makeCa } from '../../../test/support/certificates.ts'
import { certificateNames, readBundle, verifyChain } from './certificate.ts'

const root = makeCa({ name: 'Root A' })
const middle = makeCa({ name: 'Middle A', parent: root })
const impostor = makeCa({ name: 'Root A' })
const name = 'mail.contoso.example'
const now = new Date()
const days = (n: number) => new Date(now.getTime() + n * 24 * 3_600_000)

const trusted = (ca: Ca) => readBundle(ca.cert)
const leaf = (o: Partial<IssueOptions> = {}) => issue({ ca: root, names: [name], ...o })
const ders = (i: Issued) => readBundle(i.chain).map((c) => c.raw)
const verify = (i: Issued, at = now, roots = trusted(root)) => verifyChain(ders(i), roots, at)

function refused(result: ReturnType<typeof verifyChain>, why: RegExp): void {
  assert.ok(!result.ok)
  assert.match(result.why, why)
}

test('a chain to the tenant’s authority, straight or by an intermediate, gives the names', () => {
  assert.deepEqual(verify(leaf()), { ok: true, names: [name] })
  assert.deepEqual(verify(leaf({ ca: middle })), { ok: true, names: [name] })
  for (const usage of ['client', 'server', 'both'] as const) assert.ok(verify(leaf({ usage })).ok, usage)
})

test('the intermediate may come after things that do not belong to the chain', () => {
  const i = leaf({ ca: middle })
  const chain = [i.der, impostor.der, leaf().der, middle.der]
  assert.ok(verifyChain(chain, trusted(root), now).ok)
})

test('expired, and not valid yet, by the clock that is asked', () => {
  refused(verify(leaf({ expired: true })), /"CN=mail\.contoso\.example" has expired/)
  refused(verify(leaf({ notYetValid: true })), /not valid yet/)
  refused(verify(leaf(), days(21)), /has expired/)
  refused(verify(leaf(), days(-2)), /not valid yet/)
  assert.ok(verify(leaf({ expired: true }), days(-15)).ok)
})

test('an expired root is no root', () => {
  const { der } = leaf()
  refused(verifyChain([der], trusted(root), days(31)), /expired/)
})

test('another authority of the same name is another authority', () => {
  refused(verify(leaf({ ca: impostor })), /no trusted authority issued/)
})

test('a certificate that signed itself proves nothing, unless it is the one that the project names', () => {
  const self = issue({ names: [name] })
  refused(verify(self), /no trusted authority issued/)
  assert.ok(verify(self, now, readBundle(self.cert)).ok)
})

test('a missing intermediate', () => {
  refused(verifyChain([leaf({ ca: middle }).der], trusted(root), now), /no trusted authority issued "CN=mail/)
})

test('an intermediate that the project trusts is enough', () => {
  assert.ok(verifyChain([leaf({ ca: middle }).der], trusted(middle), now).ok)
})

test('a certificate that is no authority cannot issue', () => {
  const ordinary = leaf()
  const forger = { ...root, ...ordinary, name }
  // Signed by the root's key under the ordinary certificate's name: what a careless chain builder would climb over.
  const forged = issue({ ca: { ...forger, privateKey: root.privateKey }, names: ['victim.example'] })
  refused(verifyChain([forged.der, ordinary.der], trusted(root), now), /no trusted authority issued/)
})

test('a certificate for another purpose is refused', () => {
  refused(verify(leaf({ usage: 'mail' })), /is for neither client nor server authentication/)
})

test('nothing, and what is no certificate', () => {
  refused(verifyChain([], trusted(root), now), /no certificate was presented/)
  refused(verifyChain([Buffer.from('junk')], trusted(root), now), /cannot be read/)
  refused(verifyChain([leaf().der, Buffer.from('junk')], trusted(root), now), /cannot be read/)
})

test('a chain without end ends', () => {
  let ca = root
  for (let i = 0; i < 12; i += 1) ca = makeCa({ name: `Middle ${i}`, parent: ca })
  refused(verify(leaf({ ca })), /too long|no trusted authority/)
})

test('names are the DNS names; the common name counts only where there are none', () => {
  const names = (o: Partial<IssueOptions>) => certificateNames(new X509Certificate(leaf(o).cert))
  assert.deepEqual(names({ names: ['A.Example', '*.b.example', '192.0.2.1'] }), ['a.example', '*.b.example'])
  assert.deepEqual(names({ names: ['a.example'], commonName: 'evil.example' }), ['a.example'])
  assert.deepEqual(names({ names: [], commonName: 'Old.Example', withoutSan: true }), ['old.example'])
  assert.deepEqual(names({ names: ['192.0.2.1'], commonName: 'old.example' }), ['old.example'])
})

test('a name that tries to be two names is none of them', () => {
  for (const odd of ['a.example, DNS:victim.example', 'a.example", DNS:victim.example', 'a.example\0.victim.example'])
    assert.ok(
      !certificateNames(new X509Certificate(leaf({ names: [odd], commonName: 'x' }).cert)).includes('victim.example'),
      odd,
    )
})
