/** `causeway explain`, by a project file alone: each situation, each refusal, the JSON and the copies. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { layProject } from './support/commands.ts'
import { runCauseway } from './support/gateway.ts'

type Explained = {
  readonly peer: string
  readonly refused?: { readonly code: number; readonly enhanced: string; readonly text: string; readonly why: string }
  readonly notChecked?: { readonly checks: readonly string[]; readonly why: string; readonly remedy: string }
  readonly deliveries: readonly {
    readonly side: string
    readonly by: string
    readonly tenant?: string
    readonly nextHop: { readonly host: string; readonly port: number }
    readonly mailFrom: Address
    readonly recipients: readonly Address[]
    readonly changes: readonly unknown[]
    readonly signed: readonly unknown[]
    readonly file?: string
  }[]
  readonly reasons: readonly string[]
}
type Address = { readonly given: string; readonly rewritten: string; readonly entry: string | null }

describe('explain, by a project file alone', () => {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-'))
  const project = layProject(dir, 2526)
  after(() => rmSync(dir, { recursive: true }))
  const run = (...args: readonly string[]) => runCauseway(['explain', '--project', project, '--json', ...args])
  const explain = async (...args: readonly string[]): Promise<Explained> => JSON.parse((await run(...args)).out)

  const situations: readonly (readonly [what: string, args: readonly string[], copies: readonly string[]])[] = [
    [
      'out, by return',
      ['--peer', 'tenant:tenant1', '--from', 'john@tenant1.example', '--to', 'x@outside.example'],
      ['outside return tenant1 john@tenant1.example x@outside.example'],
    ],
    [
      'out, by MX',
      ['--from', 'mary@tenant2.example', '--to', 'x@outside.example'],
      ['outside direct - mary@shared.example x@outside.example'],
    ],
    [
      'out, by the owner',
      ['--from', 'hand@tenant3.example', '--to', 'x@outside.example'],
      ['outside handover tenant2 hand@tenant2.example x@outside.example'],
    ],
    [
      'out, by a smart host',
      ['--from', 'host@tenant4.example', '--to', 'x@outside.example'],
      ['outside smarthost - host@shared.example x@outside.example'],
    ],
    [
      'in',
      ['--peer', 'internet', '--from', 'x@outside.example', '--to', 'john@shared.example'],
      ['inside tenant tenant1 x@outside.example john@tenant1.example'],
    ],
    [
      'in, with a tag',
      ['--from', 'x@outside.example', '--to', 'mary+news@shared.example'],
      ['inside tenant tenant2 x@outside.example mary+news@tenant2.example'],
    ],
    [
      'in, to an alias',
      ['--from', 'x@outside.example', '--to', 'john@tenant2.example'],
      ['inside tenant tenant1 x@outside.example john@tenant1.example'],
    ],
    [
      'between tenants',
      ['--from', 'mary@tenant2.example', '--to', 'john@shared.example'],
      ['inside tenant tenant1 mary@tenant2.example john@tenant1.example'],
    ],
    [
      'Day One',
      ['--from', 'ann@tenant1.example', '--to', 'x@outside.example'],
      ['outside return tenant1 ann@tenant1.example x@outside.example'],
    ],
    [
      'Day Two',
      ['--from', 'bob@tenant2.example', '--to', 'x@outside.example'],
      ['outside direct - bob@tenant1.example x@outside.example'],
    ],
    [
      'to Day One, by her new address',
      ['--from', 'x@outside.example', '--to', 'ann@tenant2.example'],
      ['inside tenant tenant1 x@outside.example ann@tenant1.example'],
    ],
    [
      'to Day Two, by his old address',
      ['--from', 'x@outside.example', '--to', 'bob@tenant1.example'],
      ['inside tenant tenant2 x@outside.example bob@tenant2.example'],
    ],
    [
      'to a partner',
      ['--from', 'mary@tenant2.example', '--to', 'x@partner.example'],
      ['outside direct - mary@tenant2.example x@partner.example'],
    ],
    [
      'inside and outside',
      ['--from', 'mary@tenant2.example', '--to', 'john@shared.example', 'x@outside.example'],
      [
        'inside tenant tenant1 mary@tenant2.example john@tenant1.example',
        'outside direct - mary@shared.example x@outside.example',
      ],
    ],
    [
      'the null sender',
      ['--from', '<>', '--to', 'john@shared.example'],
      ['inside tenant tenant1  john@tenant1.example'],
    ],
  ]
  for (const [what, args, copies] of situations) {
    test(what, async () => {
      const { deliveries, refused } = await explain(...args)
      assert.equal(refused, undefined)
      const seen = deliveries.map(({ side, by, tenant, mailFrom, recipients }) =>
        [side, by, tenant ?? '-', mailFrom.rewritten, recipients.map(({ rewritten }) => rewritten).join(',')].join(' '),
      )
      assert.deepEqual(seen.sort(), copies)
    })
  }

  const refusals: readonly (readonly [what: string, args: readonly string[], reply: string])[] = [
    ['nobody', ['--from', 'x@outside.example', '--to', 'nobody@shared.example'], '550 5.1.1'],
    ['a stranger who wants to relay', ['--from', 'x@outside.example', '--to', 'y@outside.example'], '550 5.7.1'],
    ['a domain that asks to come back', ['--from', 'x@outside.example', '--to', 'y@waiting.example'], '451 4.3.2'],
    [
      "a sender that is not the tenant's",
      ['--peer', 'tenant:tenant2', '--from', 'x@other.example', '--to', 'y@outside.example'],
      '550 5.7.1',
    ],
  ]
  for (const [what, args, reply] of refusals) {
    test(`refused, and exit code 1: ${what}`, async () => {
      const done = await run(...args)
      assert.equal(done.code, 1)
      const { refused, deliveries }: Explained = JSON.parse(done.out)
      assert.equal(`${refused?.code} ${refused?.enhanced}`, reply)
      assert.ok((refused?.why ?? '') !== '' && (refused?.text ?? '') !== '')
      assert.deepEqual(deliveries, [])
    })
  }

  test('one refused, the copies of the others are written all the same', async () => {
    const out = join(dir, 'some')
    const to = ['--to', 'nobody@shared.example', 'john@shared.example']
    const done = await run('--from', 'x@outside.example', ...to, '--out', out)
    assert.equal(done.code, 1)
    assert.deepEqual(readdirSync(out), ['1.eml'])
  })

  test('the JSON has the fields that are promised, and no others', async () => {
    const out = join(dir, 'copies')
    const message = join(dir, 'message.eml')
    const to = ['--to', 'olga@outside.example', 'mary@shared.example']
    const all = [
      '--peer',
      'tenant:tenant1',
      '--from',
      'john@tenant1.example',
      ...to,
      '--message',
      message,
      '--out',
      out,
    ]
    const done = await run(...all)
    assert.equal(done.code, 0, done.err)
    const explained: Explained = JSON.parse(done.out)
    const { reasons, ...rest } = explained
    assert.ok(reasons.length > 0 && reasons.every((reason) => typeof reason === 'string'))
    const unsealed = JSON.stringify(rest)
    assert.doesNotMatch(unsealed, /only-tenant1-knows/)
    const john = 'john@tenant1.example -> john@shared.example'
    const mary = 'mary@tenant2.example -> mary@shared.example'
    const from = { given: 'john@tenant1.example', rewritten: 'john@tenant1.example', entry: null }
    const byTenant = Object.fromEntries(rest.deliveries.map((delivery) => [delivery.tenant, delivery]))
    assert.equal(rest.peer, 'tenant:tenant1')
    assert.deepEqual(Object.keys(rest).sort(), ['deliveries', 'peer'])
    assert.deepEqual(byTenant['tenant2'], {
      side: 'inside',
      by: 'tenant',
      tenant: 'tenant2',
      nextHop: { host: '127.0.0.1', port: 2526 },
      mailFrom: from,
      recipients: [{ given: 'mary@shared.example', rewritten: 'mary@tenant2.example', entry: mary }],
      changes: [{ field: 'To', old: 'mary@shared.example', new: 'mary@tenant2.example', entry: mary }],
      signed: [],
      file: byTenant['tenant2']?.file,
    })
    assert.deepEqual(byTenant['tenant1'], {
      side: 'outside',
      by: 'return',
      tenant: 'tenant1',
      nextHop: { host: '127.0.0.1', port: 2526 },
      mailFrom: from,
      recipients: [{ given: 'olga@outside.example', rewritten: 'olga@outside.example', entry: null }],
      changes: [{ field: 'From', old: 'john@tenant1.example', new: 'john@shared.example', entry: john }],
      signed: [{ domain: 'shared.example', selector: 'cw1' }],
      file: byTenant['tenant1']?.file,
    })
    assert.deepEqual(rest.deliveries.map(({ file }) => file ?? '').sort(), [join(out, '1.eml'), join(out, '2.eml')])
  })

  test('--out writes the copies as they would leave, makes no key, and writes nothing else', async () => {
    const out = join(dir, 'copies')
    assert.deepEqual(readdirSync(out).sort(), ['1.eml', '2.eml'])
    for (const name of readdirSync(out)) {
      const copy = readFileSync(join(out, name), 'latin1')
      assert.doesNotMatch(copy.replaceAll('\r\n', ''), /[\r\n]/)
      assert.ok(copy.endsWith('\r\n\r\nHello.\r\n.\r\n'), 'without dot-stuffing')
      assert.match(copy, /^Received: /m)
      assert.match(copy, /^X-Causeway-Pass:/m)
      assert.doesNotMatch(copy, /^X-Key:/m)
    }
    assert.equal(existsSync(join(dir, 'shared.pem')), false)
  })

  test('a secret header that is missing means that it is not the tenant', async () => {
    const message = join(dir, 'no-secret.eml')
    writeFileSync(message, readFileSync(join(dir, 'message.eml'), 'utf8').replace(/^X-Key:.*\n/m, ''))
    const ask = ['--peer', 'tenant:tenant1', '--from', 'john@tenant1.example', '--to', 'olga@outside.example']
    const done = await run(...ask, '--message', message)
    assert.equal(done.code, 1)
    const explained: Explained = JSON.parse(done.out)
    assert.equal(explained.peer, 'internet')
    assert.equal(explained.refused?.enhanced, '5.7.1')
  })

  test('what is not checked of mail from the internet is said, in words and in the JSON', async () => {
    const ask = ['--peer', 'internet', '--from', 'x@outside.example', '--to', 'john@shared.example']
    const { notChecked } = await explain(...ask)
    assert.deepEqual(notChecked?.checks, ['spf', 'dkim', 'dmarc', 'arc'])
    const { out } = await runCauseway(['explain', '--project', project, ...ask])
    assert.match(out, /^NOT CHECKED {2}SPF, DKIM, DMARC, ARC: .*\n +add --dns, and --client ADDRESS/m)
    const wrong = await runCauseway(['explain', '--project', project, ...ask, '--client', 'nowhere'])
    assert.equal(wrong.code, 2)
    assert.match(wrong.err, /"nowhere" is no address of a client/)
  })

  test('a bad project stops with file, line and remedy: 2', async () => {
    const bad = join(dir, 'bad.yaml')
    writeFileSync(bad, readFileSync(project, 'utf8').replace('outbound: return', 'outbound: retrun'))
    const done = await runCauseway(['explain', '--project', bad, '--from', 'a@b.example', '--to', 'c@d.example'])
    assert.equal(done.code, 2)
    assert.match(done.err, /bad\.yaml:11: .*retrun/)
    assert.equal(done.out, '')
  })

  test('for people it says the same in words', async () => {
    const ask = ['--from', 'mary@tenant2.example', '--to', 'olga@outside.example']
    const { out, code } = await runCauseway(['explain', '--project', project, ...ask])
    assert.equal(code, 0)
    assert.match(out, /^Copy 1 {3}outside, by direct, next hop the MX of outside\.example$/m)
    assert.match(out, /MAIL FROM {2}<mary@tenant2\.example> {2}-> {2}<mary@shared\.example>/)
    assert.match(out, /signed {5}d=shared\.example s=cw1/)
  })
})
