/** What the sender is told where nothing is kept. The rest of the table is in settle.test.ts, with a queue. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recipient } from '../../../test/support/relay-values.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Outcome } from '../deliver/deliver.ts'
import type { Delivery } from '../plan/plan.ts'
import { decide } from './table.ts'

const ann = { given: 'ann@shared.example', rewritten: 'ann@in.example', recipient: recipient('ann@shared.example') }
const delivery: Delivery = {
  side: 'inside',
  by: 'smarthost',
  nextHop: { host: 'mx.in.example', port: 25, tls: 'none', serverName: 'mx.in.example' },
  view: 'inside',
  mailFrom: { given: 'a@outside.example', rewritten: 'a@outside.example' },
  recipients: [ann],
  reasons: [],
}
const ours = (kind: Outcome['kind'], reply: Reply): Outcome => ({ kind, reply, remote: 'mx:25', tls: '', why: '' })
const theirs = (kind: Outcome['kind'], reply: Reply): Outcome => ({ ...ours(kind, reply), spoke: true })

const told: readonly (readonly [Outcome, string])[] = [
  [
    ours('refused', replies.nextHopLacks8bit()),
    '554 5.6.3 the message has 8-bit content, which the next server does not take',
  ],
  [
    ours('refused', replies.nextHopLacksSmtputf8()),
    '550 5.6.7 the message needs SMTPUTF8, which the next server does not offer',
  ],
  [ours('refused', replies.noMailHost('x.example')), '550 5.1.2 no server takes mail for x.example'],
  // A code for commands is none for messages.
  [ours('refused', replies.badRecipient()), '550 5.1.3 bad recipient address'],
  [ours('deferred', replies.nextHopTls()), '451 4.7.5 no verified TLS connection to the next server, try again later'],
  [ours('deferred', replies.deadline()), '451 4.4.7 the next server has not answered in time, try again later'],
  [
    theirs('refused', { code: 550, enhanced: '5.2.2', text: 'mailbox full' }),
    '550 5.2.2 the next server refused the message: mailbox full',
  ],
  [
    theirs('deferred', { code: 451, enhanced: '4.3.2', text: 'busy' }),
    '451 4.3.2 the next server cannot take the message now: busy',
  ],
]

for (const [outcome, expected] of told)
  test(`${outcome.spoke === true ? 'their' : 'our'} ${outcome.reply.text} is told as ${expected}`, () => {
    const decision = decide([{ delivery, recipient: ann, outcome, how: 'tried' }], {
      whenNextHopFails: 'defer',
      mayBeTold: true,
      hasHeld: false,
      words: (about) => about.outcome.reply.text,
    })
    assert.ok(decision.kind === 'answer')
    const { code, enhanced, text } = decision.reply
    assert.equal(`${code} ${enhanced} ${text}`, expected)
  })
