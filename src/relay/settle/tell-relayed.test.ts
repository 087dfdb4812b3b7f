import assert from 'node:assert/strict'
import { test } from 'node:test'
import { incomingOf, projectOf, recipient, sharedDomain } from '../../../test/support/relay-values.ts'
import { readFrom } from '../../mail/header/header.ts'
import { readMessage } from '../../mail/message/message.ts'
import { replies } from '../../mail/reply/reply.ts'
import { tenantNamed } from '../../project/project.ts'
import type { NewMessage, Put } from '../../queue/queue.ts'
import type { Peer } from '../admit/admit.ts'
import { makeRecorder } from '../record/record.ts'
import type { Settled } from './table.ts'
import { tellRelayed } from './tell-relayed.ts'

const project = projectOf(sharedDomain)
const tenant = tenantNamed(project, 'one') ?? assert.fail()
const ofTenant: Peer = { kind: 'tenant', tenant, proofs: ['certificate'], certificateNames: [] }

/** John of tenant one wrote to Mary, who has the message. */
function settled(notify: string, dsn: boolean, how: Settled['how'] = 'tried'): Settled {
  const mailFrom = { given: 'john@one.example', rewritten: 'john@one.example' }
  const mary = {
    given: 'mary@shared.example',
    rewritten: 'mary@two.example',
    recipient: { ...recipient('mary@shared.example'), notify },
  }
  const nextHop = { host: 'mx.two.example', port: 25, tls: 'none', serverName: 'mx.two.example' } as const
  const recipients = [mary]
  return {
    delivery: { side: 'inside', by: 'tenant', nextHop, view: 'inside', mailFrom, recipients, reasons: [] },
    recipient: mary,
    outcome: { kind: 'delivered', reply: replies.ok(), remote: '', tls: '', why: '', dsn },
    how,
  }
}

/** What was put, traced and logged, and how many recipients were accepted. */
async function told(one: Settled, o: { readonly peer?: Peer; readonly from?: string; readonly put?: Put } = {}) {
  const { peer = ofTenant, from = 'john@one.example', put = { ok: true } } = o
  const [puts, troubles, events]: [NewMessage[], string[], (string | undefined)[]] = [[], [], []]
  const incoming = incomingOf(from, [], 'From: john@one.example\nSubject: Hello\n\nHello.\n')
  const message = readMessage(incoming.raw)
  const recorder = makeRecorder({ write: (some) => void events.push(...some.map((e) => e.why)) }, () => new Date(5))
  const record = recorder.begin(incoming, { messageId: '', subject: '' }, 1)
  const admission = { peer, from: readFrom(message.header), pass: undefined, routed: [], held: [], refusals: [] }
  const queue = { put: async (report: NewMessage) => (puts.push(report), put) }
  await tellRelayed(
    { queue, onTrouble: (why) => void troubles.push(why) },
    { project, incoming, message, admission, arrivedAt: new Date(5), record },
    [one],
  )
  record.answered(replies.ok(), { accepted: 0, delivered: 0, refused: 0 })
  return { puts, troubles, events, accepted: recorder.counts.recipientsAccepted }
}

test('who asked for success, and whose next hop does not answer for it, gets a report of its own', async () => {
  const { puts, events, accepted } = await told(settled('SUCCESS,FAILURE', false))
  const [report = assert.fail(), ...others] = puts
  assert.deepEqual(others, [])
  assert.deepEqual([report.sender, report.peer, report.recipients[0]?.address], ['', 'causeway', 'john@one.example'])
  assert.match(String(report.content[0]), /Final-Recipient: rfc822;mary@shared\.example\r\nAction: relayed\r\n/)
  assert.equal(accepted, 1, 'the account has it')
  assert.match(events.join(), /^a report about /)
})

test('nobody else gets one', async () => {
  const none = async (one: Settled, o?: Parameters<typeof told>[1]) => assert.deepEqual((await told(one, o)).puts, [])
  await none(settled('SUCCESS', true))
  await none(settled('FAILURE,DELAY', false))
  await none(settled('SUCCESS', false, 'recalled'))
  await none(settled('SUCCESS', false), { peer: { kind: 'internet', why: '' } })
  await none(settled('SUCCESS', false), { from: '' })
})

test('a report that cannot be kept costs nobody anything: the trace and the log say so', async () => {
  const put: Put = { ok: false, why: 'no space left', isFull: true }
  const { troubles, events, accepted } = await told(settled('SUCCESS', false), { put })
  assert.match(troubles.join(), /a report about message .* cannot be kept: no space left/)
  assert.match(events.join(), /its sender is not told that it was handed on: no space left/)
  assert.equal(accepted, 0)
})
