// What must hold for every project and every message, tried with made-up ones: the way out and in again leads back, no byte
// outside a mapped address changes, a second pass changes nothing, each recipient is in the plan once, any bytes end in an
// answer, and time grows with size.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Address, addressKey, parseAddress } from '../src/mail/address/address.ts'
import { headerText } from '../src/mail/header/header.ts'
import { readMessage } from '../src/mail/message/message.ts'
import { type Peer, routeAll } from '../src/relay/admit/admit.ts'
import { askExplanation } from '../src/relay/explain/explain.ts'
import { plan } from '../src/relay/plan/plan.ts'
import { type Copy, rewrite } from '../src/relay/rewrite/rewrite.ts'
import { fieldsOf, type MadeUpField, mailLike, type World, worlds, written } from './support/made-up.ts'
import { projectOf, recipient, sender, sharedDomain, twoTenants } from './support/relay-values.ts'

const address = (text: string): Address => {
  const parsed = parseAddress(text)
  assert.ok(parsed, text)
  return parsed
}
const key = (text: string): string => addressKey(address(text))

describe('addresses', () => {
  const cases = worlds.chain((w) => fc.tuple(fc.constant(w), written(w.people)))

  test('each is seen from outside and from inside as the directory says', () => {
    fc.assert(
      fc.property(cases, ([{ project }, one]) => {
        assert.equal(project.table.external(address(one.text)).to, one.outside)
        assert.equal(project.table.internal(address(one.text)).to, one.inside)
      }),
    )
  })

  test('the way out and in again leads to the mailbox, the way in and out again to the world', () => {
    fc.assert(
      fc.property(cases, ([{ project }, one]) => {
        const { table } = project
        if (table.external(address(one.text)).entry?.outboundOnly === true) return
        const out = table.external(address(one.text)).to
        const inside = table.internal(address(one.text)).to
        assert.equal(key(table.internal(address(out)).to), key(inside))
        assert.equal(key(table.external(address(inside)).to), key(out))
        assert.equal(table.external(address(out)).to, out)
        assert.equal(table.internal(address(inside)).to, inside)
      }),
    )
  })
})

const mapped = {
  outside: {
    full: /^(?:from|to|cc|reply-to|sender|bcc|resent-to|errors-to)$/i,
    edge: /^(?:from|reply-to|sender)$/i,
  },
  inside: { full: /^(?:to|cc|bcc|resent-to)$/i, edge: /^(?:to|cc)$/i },
}

/** The message as it is written, or as it must be seen from a side. */
function render({ project }: World, fields: readonly MadeUpField[], side?: 'outside' | 'inside'): string {
  const lines = fields.map(({ name, pieces }) => {
    const how = side !== undefined && mapped[side][project.policy.fields].test(name) ? side : 'text'
    return `${name}:${pieces.map((piece) => (typeof piece === 'string' ? piece : piece[how])).join('')}\r\n`
  })
  return `${lines.join('')}\r\nA body with john@one.example.\r\n`
}

function bytesOf(message: ReturnType<typeof readMessage>, { header, body }: Copy): string {
  const gap = headerText(message.header).length < message.bodyStart ? '\r\n' : ''
  return headerText(header) + gap + Buffer.concat(body).toString('latin1')
}

describe('messages', () => {
  const cases = worlds.chain((w) => fc.tuple(fc.constant(w), fieldsOf(w.people), fc.constantFrom('outside', 'inside')))

  test('nothing but mapped addresses changes, and a second pass changes nothing', () => {
    fc.assert(
      fc.property(cases, ([w, fields, side]) => {
        const message = readMessage(Buffer.from(render(w, fields), 'latin1'))
        const copy = rewrite(w.project, message, side)
        assert.deepEqual(copy.left, [])
        const seen = bytesOf(message, copy)
        assert.equal(seen, render(w, fields, side))
        const again = readMessage(Buffer.from(seen, 'latin1'))
        const second = rewrite(w.project, again, side)
        assert.deepEqual(second.changes, [])
        assert.equal(bytesOf(again, second), seen)
      }),
    )
  })

  test('of any bytes, what no entry claims goes through as it came', () => {
    const project = projectOf(twoTenants)
    fc.assert(
      fc.property(mailLike, fc.constantFrom('outside', 'inside', 'unchanged'), (raw, view) => {
        const message = readMessage(raw)
        const came = raw.toString('latin1')
        if (/x-causeway/i.test(came)) return
        assert.equal(bytesOf(message, rewrite(project, message, view)), came)
      }),
      { numRuns: 500 },
    )
  })

  test('of any bytes, a second pass changes nothing', () => {
    const project = projectOf(sharedDomain)
    fc.assert(
      fc.property(mailLike, fc.constantFrom('outside', 'inside'), (raw, side) => {
        const message = readMessage(raw)
        const seen = bytesOf(message, rewrite(project, message, side))
        const again = readMessage(Buffer.from(seen, 'latin1'))
        assert.equal(bytesOf(again, rewrite(project, again, side)), seen)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('plans', () => {
  const cases = worlds.chain((w) =>
    fc.tuple(
      fc.constant(w),
      fc.array(written(w.people), { maxLength: 300 }),
      fc.boolean(),
      fc.constantFrom('one', 'wide'),
    ),
  )

  test('each admitted recipient is in exactly one delivery, and each delivery fits', () => {
    fc.assert(
      fc.property(cases, ([{ project }, to, isInternet, name]) => {
        const tenant = project.tenants.find((t) => t.name === name)
        assert.ok(tenant)
        const certificateNames = [`${name}.example`]
        const peer: Peer = isInternet
          ? { kind: 'internet', why: '' }
          : { kind: 'tenant', tenant, proofs: ['certificate'], certificateNames }
        const mailFrom = sender('a@outside.example')
        const recipients = to.map((one) => recipient(one.text))
        const { routed, refusals } = routeAll(project, peer, mailFrom, recipients)
        const from = { kind: 'ambiguous', why: 'no From field' } as const
        const { deliveries } = plan({ project, peer, mailFrom, from, pass: undefined, routed })
        const planned = deliveries.flatMap((d) => d.recipients.map((r) => r.recipient))
        assert.equal(planned.length, new Set(planned).size)
        assert.deepEqual(new Set(planned), new Set(routed.map((r) => r.recipient)))
        assert.equal(planned.length + refusals.length, recipients.length)
        for (const d of deliveries) assert.ok(d.recipients.length <= (d.tenant?.kind === 'exchange-online' ? 500 : 100))
      }),
      { numRuns: 50 },
    )
  })
})

describe('answers', () => {
  const project = projectOf(sharedDomain)
  const rest = { project, keys: () => ({ signers: [], missing: [] }), passKey: Buffer.alloc(32), now: new Date(0) }
  const oddAddress = fc.oneof(
    fc.string(),
    fc.constantFrom('john@one.example', 'zoe@outside.example', 'mary@shared.example', '<>', ''),
  )

  test('any message is answered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          mailLike,
          fc.uint8Array({ maxLength: 500 }).map((b) => Buffer.from(b)),
        ),
        fc.constantFrom('tenant:one', 'internet'),
        async (message, peer) => {
          const to = ['zoe@outside.example', 'mary@shared.example']
          const asked = await askExplanation({ from: 'john@one.example', to, peer, message }, rest)
          assert.ok(asked.ok)
          assert.ok(asked.explanation.deliveries.length > 0 || asked.explanation.refused !== undefined)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('any envelope is answered', async () => {
    await fc.assert(
      fc.asyncProperty(oddAddress, fc.array(oddAddress, { maxLength: 3 }), async (from, to) => {
        const asked = await askExplanation({ from, to }, rest)
        assert.ok(asked.ok || asked.why !== '')
      }),
      { numRuns: 500 },
    )
  })

  /** Shapes that have taken readers of mail quadratic time. */
  const shapes: { readonly [name: string]: (n: number) => string } = {
    'many recipients': (n) => `To: ${'john@one.example,\r\n '.repeat(n)}john@one.example\r\n\r\n`,
    'open comments': (n) => `To: ${'('.repeat(n * 20)}\r\n\r\n`,
    'open quotes': (n) => `To: ${'"\\'.repeat(n * 10)}\r\n\r\n`,
    'open brackets': (n) => `To: ${'<'.repeat(n * 20)}\r\n\r\n`,
    'white space': (n) => `To: ${' \t\r\n '.repeat(n * 5)}john@one.example\r\n\r\n`,
    'many fields': (n) => `${'Cc: mary@two.example\r\n'.repeat(n)}\r\n`,
    'many Received': (n) => `${'Received: by x\r\n'.repeat(n)}\r\n`,
    'a line that is no field': (n) => `${'x'.repeat(n * 20)}\r\n\r\n`,
    'many parts': (n) => `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(n)}--b--\r\n`,
    'nested parts': (n) => 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'.repeat(n),
    'almost boundaries': (n) =>
      `Content-Type: multipart/mixed; boundary=${'-'.repeat(60)}\r\n\r\n${'-'.repeat(n * 20)}\r\n`,
    'a calendar': (n) => `Content-Type: text/calendar\r\n\r\n${'ATTENDEE:mailto:mary@two.example\r\n'.repeat(n)}`,
    'a folded calendar line': (n) =>
      `Content-Type: text/calendar\r\n\r\nATTENDEE;CN=${'x\r\n '.repeat(n * 5)}:mailto:mary@two.example\r\n`,
    'a report': (n) =>
      `Content-Type: message/delivery-status\r\n\r\n${'Final-Recipient: rfc822;mary@two.example\r\n\r\n'.repeat(n)}`,
    'a diagnostic': (n) =>
      `Content-Type: message/delivery-status\r\n\r\nDiagnostic-Code: smtp;${' <mary@two.example>'.repeat(n)}\r\n`,
    'at signs': (n) => `Content-Type: message/delivery-status\r\n\r\nDiagnostic-Code: smtp;${'a@'.repeat(n * 10)}\r\n`,
  }
  const usedMs = async (message: Buffer): Promise<number> => {
    const runs: number[] = []
    for (let i = 0; i < 3; i += 1) {
      const before = process.cpuUsage().user
      const to = ['zoe@outside.example']
      const asked = await askExplanation({ from: 'john@one.example', to, peer: 'internet', message }, rest)
      assert.ok(asked.ok)
      const seen = rewrite(project, readMessage(message), 'outside')
      assert.ok(seen)
      runs.push((process.cpuUsage().user - before) / 1000)
    }
    return Math.min(...runs)
  }

  for (const [name, shape] of Object.entries(shapes)) {
    test(`time grows with size: ${name}`, async () => {
      const head = 'From: john@one.example\r\n'
      const small = await usedMs(Buffer.from(head + shape(2000)))
      const large = await usedMs(Buffer.from(head + shape(16_000)))
      // Eight times the size: quadratic would be 64 times the work.
      assert.ok(large < small * 25 + 100, `${small} ms, then ${large} ms for eight times as much`)
    })
  }
})
