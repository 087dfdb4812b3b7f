import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { madeUpDns } from '../../../test/support/made-up-dns.ts'
import { projectOf, sharedDomain } from '../../../test/support/relay-values.ts'
import { type Ask, askExplanation, type Explanation } from './explain.ts'

/** bank.example sends from 192.0.2.1 alone, does not sign, and asks to refuse what is not its own. */
const dns = madeUpDns({
  'bank.example': { TXT: ['v=spf1 ip4:192.0.2.1 -all'] },
  '_dmarc.bank.example': { TXT: ['v=DMARC1; p=reject'] },
  'mail.bank.example': { TXT: ['v=spf1 ip4:192.0.2.1 -all'] },
})

const question = { from: 'ann@bank.example', to: ['john@shared.example'] }

async function explained(more: Partial<Ask>, resolver?: typeof dns): Promise<Explanation> {
  const project = projectOf(sharedDomain)
  const keys = () => ({ signers: [], missing: [] })
  const asked = await askExplanation(
    { ...question, ...more },
    { project, keys, passKey: randomBytes(32), now: new Date(), ...(resolver && { resolver }) },
  )
  assert.ok(asked.ok, asked.ok ? '' : asked.why)
  return asked.explanation
}

test('without DNS it says that nothing was checked, and what to add', async () => {
  const { notChecked, refused, deliveries } = await explained({})
  assert.deepEqual(notChecked?.checks, ['spf', 'dkim', 'dmarc', 'arc'])
  assert.match(notChecked?.remedy ?? '', /--dns.*--client ADDRESS/)
  assert.equal(refused, undefined)
  assert.equal(deliveries.length, 1)
})

test('with DNS and no client, SPF is left out aloud, and what hangs on it is told', async () => {
  const { notChecked, refused, reasons } = await explained({}, dns)
  assert.deepEqual(notChecked?.checks, ['spf'])
  assert.match(notChecked?.remedy ?? '', /--client ADDRESS/)
  assert.equal(refused, undefined)
  assert.match(reasons.join('\n'), /without SPF: .*\n.*unless SPF passes, it would be refused: DMARC of bank\.example/)
})

test('with a client the verdict stands', async () => {
  const right = await explained({ client: '::ffff:192.0.2.1' }, dns)
  assert.equal(right.notChecked, undefined)
  assert.equal(right.deliveries.length, 1)
  assert.match(right.reasons.join('\n'), /spf=pass/)
  const wrong = await explained({ client: '198.51.100.1' }, dns)
  assert.equal(wrong.notChecked, undefined)
  assert.deepEqual([wrong.refused?.code, wrong.refused?.enhanced, wrong.deliveries], [550, '5.7.1', []])
})

test('of the null sender SPF asks about the name in EHLO', async () => {
  const some = await explained({ from: '<>', client: '192.0.2.1' }, dns)
  assert.deepEqual(some.notChecked?.checks, ['spf'])
  assert.match(some.notChecked?.remedy ?? '', /--client ADDRESS and --helo NAME/)
  const all = await explained({ from: '<>', client: '192.0.2.1', helo: 'mail.bank.example' }, dns)
  assert.equal(all.notChecked, undefined)
  assert.match(all.reasons.join('\n'), /spf=pass/)
})

test('mail of a tenant is not checked, so nothing is left out; a client that changes nothing is said to', async () => {
  const { notChecked, reasons } = await explained({ from: 'john@one.example', client: '192.0.2.1' })
  assert.equal(notChecked, undefined)
  assert.match(reasons.join('\n'), /address of the client changes nothing/)
})

test('of mail that is refused anyhow nothing is left out', async () => {
  const { notChecked, refused } = await explained({ to: ['nobody@shared.example'] })
  assert.equal(refused?.enhanced, '5.1.1')
  assert.equal(notChecked, undefined)
  assert.match((await explained({})).notChecked?.why ?? '', /whether DMARC refuses the message is not known/)
})

test('what is no address is no client', async () => {
  const project = projectOf(sharedDomain)
  const parts = { project, keys: () => ({ signers: [], missing: [] }), passKey: randomBytes(32), now: new Date() }
  for (const client of ['192.0.2', 'mail.example', '192.0.2.1/24', '[::1]']) {
    const asked = await askExplanation({ ...question, client }, parts)
    assert.ok(!asked.ok && asked.why.includes('is no address of a client'), client)
  }
})
