// Each form of slow client, as the siege plays it, against a listener whose patience is short: none of them stays.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LimitName, listen } from '../src/relay/listen/listen.ts'
import { issue } from '../test/support/certificates.ts'
import { until } from './processes.ts'
import { forms, play } from './siege-forms.ts'

const ours = issue({ names: ['gw.example.net'] })

const limits = {
  ...{ strangerIdleMs: 200, idleMs: 200, commandMs: 1500, handshakeMs: 300, writeStallMs: 400, rateWindowMs: 300 },
  ...{ rateBytes: 1e9, errors: 3, idleCommands: 5, unknownRecipients: 5, tarpitMs: 50 },
}

/** What ends each of them, or makes it wait. */
const ends: { readonly [form: string]: LimitName } = {
  'connects, says nothing': 'idleMs',
  'a command byte by byte': 'idleMs',
  'content byte by byte': 'rateBytes',
  'STARTTLS, then silence': 'handshakeMs',
  'STARTTLS, then one byte after another': 'handshakeMs',
  'pipelines, never reads': 'errors',
  'nothing but mistakes': 'errors',
  'asks for unknown recipients': 'unknownRecipients',
  'a header without end': 'rateBytes',
  'a line without end': 'rateBytes',
}

for (const form of forms) {
  test(form.name, async (t) => {
    const listener = await listen({
      hostname: 'gw.example.net',
      addresses: [{ host: '127.0.0.1', port: 0 }],
      secureContext: () => ({ key: ours.key, cert: ours.cert }),
      // Who asks on and on is never silent.
      limits:
        ends[form.name] === 'unknownRecipients' ? { ...limits, strangerIdleMs: 10_000, commandMs: 10_000 } : limits,
      backend: {
        mail: () => undefined,
        rcpt: (_client, _from, to) =>
          to.text.startsWith('nobody') ? { code: 550, enhanced: '5.1.1', text: 'no such recipient here' } : undefined,
        message: () => ({ code: 250, enhanced: '2.0.0', text: 'taken' }),
      },
    })
    let isOver = false
    t.after(() => {
      isOver = true
      return listener.drain(0)
    })
    play(
      form,
      listener.addresses[0]?.port ?? 0,
      '127.2.3.4',
      () => isOver,
      () => {},
    )
    const limit = ends[form.name] ?? 'connections'
    await until(
      () => listener.limits[limit] > 0,
      () => `${limit} was not met: ${JSON.stringify(listener.limits)}`,
      5000,
    )
    assert.ok(listener.connections <= 1)
  })
}
