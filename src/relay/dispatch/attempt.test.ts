import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aClient, projectOf, sender, sharedDomain } from '../../../test/support/relay-values.ts'
import { replies } from '../../mail/reply/reply.ts'
import type { KeptRecipient } from '../../queue/queue.ts'
import type { Load } from '../carry/carry.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { makeRecorder } from '../record/record.ts'
import { attempt } from './attempt.ts'
import { held } from './where.ts'

const waitingOne = { facts: '{}', state: 'waiting', attempts: 1, reply: '', why: '', nextAt: 0 } as const
const took: Outcome = { kind: 'delivered', reply: replies.ok(), remote: '', tls: '', why: '' }

function tripOf(carry: (load: Load) => Promise<readonly Outcome[]>) {
  const [domain, lane] = ['two.example', 'tenant:two']
  const recipients: readonly KeptRecipient[] = Array.from({ length: 1100 }, (_, n) => {
    return { n, address: `b_p${n}=x.example=y@${domain}`, domain, lane, ...waitingOne }
  })
  const message = { id: 'a', receivedAt: 0, sender: '', peer: 'one', messageId: '', subject: '', envelope: '', size: 5 }
  const early: number[] = []
  const trip = {
    carrier: { carry, probe: async () => [] },
    project: projectOf(sharedDomain),
    work: { lease: { token: '1' }, message, lane, recipients },
    kept: {
      client: aClient,
      mailFrom: sender('john@one.example'),
      peer: { kind: 'tenant', tenant: 'one', proofs: ['certificate'], certificateNames: ['one.example'] },
      via: 'DATA',
      arrivedAt: 0,
    },
    content: Buffer.from('\r\nx\r\n'),
    steps: makeRecorder({ write: () => {} }, () => new Date(0)).again({ id: 'a', messageId: '', sender: '' }),
    now: 0,
    signal: new AbortController().signal,
    onDelivered: (ended: readonly { readonly kept: KeptRecipient }[]) =>
      void early.push(...ended.map(({ kept }) => kept.n)),
    onBroken: (error: unknown, some: readonly KeptRecipient[]) =>
      some.map((one) => held(one, 'operator', String(error))),
  } as const
  return { trip, early, count: recipients.length }
}

test('a delivery that throws concerns its own recipients: the others have the message', async () => {
  let calls = 0
  const { trip, early, count } = tripOf(async ({ delivery }) => {
    calls += 1
    if (calls === 1) throw new Error('a fault')
    return delivery.recipients.map(() => took)
  })
  const { direct, ended } = await attempt(trip)
  assert.ok(calls > 1 && direct.length > 0 && early.length > 0)
  assert.deepEqual(ended, [])
  const all = [...direct.map(({ kept }) => kept.n), ...early]
  assert.equal(new Set(all).size, count)
  assert.equal(all.length, count)
})
