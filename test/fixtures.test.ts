// Collections of messages through the running gateway, held against eight invariants:
//
// I1 each is delivered once, or refused with a code, and never closes the connection; I2 where no entry matches, the bytes below
// our own fields are the same; I3 where one matches, nothing but addresses and the folding of their fields changes, and
// messages within the message not at all; I4 two parsers that are not ours find the new addresses; I5 a verifier that is not
// ours accepts our signatures; I6 the copy fed in again changes no more; I7 the way back restores what the way out changed;
// I8 time grows with size (test/properties.test.ts). In the end everything is accounted for.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { domainsIn, fixtures, missingFixtures, onTheWire } from './fixtures/collection.ts'
import { asChunk, assertSame, bare, below, loosely, recipientFields, withoutOurs } from './fixtures/compare.ts'
import { type Judgement, postal, python } from './fixtures/judges.ts'
import { projectOf } from './support/relay-values.ts'
import { type RunningRelay, selector, startRelay } from './support/running-relay.ts'
import { type Said, type SmallClient, smallClient } from './support/small-client.ts'

const all = fixtures()
const suffix = '.out.example'
/** Refused before anything else: NUL has no meaning in a message (RFC 5322 section 2.2), and no mail has thousands of fields. */
const refusedWith: ReadonlyMap<string, number> = new Map([
  ['nul.eml', 550],
  ['many-fields.eml', 552],
])
/** From has two readings, is missing or is repeated: refused from a tenant. */
const refusesFrom = (said: Said): boolean => said.code === 550 && said.text.includes('From field')

/** Folded anew, or with comments, white space or capitals within a mapped address; all others come back to the byte. */
const respelled = [
  'msg_32.txt',
  'msg_33.txt',
  'calendar-folded.eml',
  'calendar.eml',
  'international-domain.eml',
  'long-to-one-line.eml',
  'obsolete-syntax.eml',
]
/** Headers with a line that is no field, or white space before a colon: dkimpy takes none of them. */
const unreadable = ['msg_35.txt', 'field-names.eml', 'line-that-is-no-field.eml', 'white-space-before-colon.eml']
/** A name stays, even one that is the address without quotes; on the way back the two differ, and the field is left whole. */
const oneWay = ['names-that-are-addresses.eml']
/**
 * Python ends the header at a line that is no field, takes a name without quotes for the address, and knows no empty
 * elements; postal-mime shows one author.
 */
const blindSpots = [
  'line-that-is-no-field.eml: Python, carl@other.odd.example.out.example',
  'names-that-are-addresses.eml: Python, ben@odd.example.out.example',
  'obsolete-syntax.eml: Python, ben@odd.example.out.example',
  'obsolete-syntax.eml: Python, carl@other.odd.example.out.example',
  'several-authors.eml: postal-mime, ben@odd.example.out.example',
  'white-space-before-colon.eml: Python, ben@odd.example.out.example',
  'white-space-before-colon.eml: Python, carl@other.odd.example.out.example',
]

type Sent = { readonly said: Said; readonly copy: string | undefined; readonly id: string }
/** A message that went out while everybody was in the directory. */
type Case = { readonly name: string; readonly id: string; readonly input: string; readonly copy: string }

describe('collections of messages', { skip: missingFixtures() }, () => {
  let relay: RunningRelay
  let tenant: SmallClient
  let internet: SmallClient
  let cases: readonly Case[] = []
  let judged: readonly Judgement[] = []
  let sent = 0

  before(async () => {
    relay = await startRelay()
    tenant = await smallClient(relay.port)
    internet = await smallClient(relay.port, '127.0.0.2')
  })
  after(async () => {
    tenant.close()
    internet.close()
    await relay[Symbol.asyncDispose]()
  })

  /** I1: one delivery for a 250, none for a refusal, and the connection stays. */
  async function send(client: SmallClient, raw: Buffer, o: { to?: string; via?: 'BDAT' } = {}): Promise<Sent> {
    const earlier = relay.arrived.length
    const from = client === tenant ? 'robot@one.example' : 'zoe@away.example'
    const to = [o.to ?? (client === tenant ? 'zoe@away.example' : 'anybody@home.example')]
    const said = await client.send({ from, to, raw, parameters: 'BODY=8BITMIME', ...(o.via ? { via: o.via } : {}) })
    sent += 1
    assert.notEqual(said.code, 421)
    const arrived = relay.arrived.slice(earlier)
    assert.equal(arrived.length, said.code === 250 ? 1 : 0, `${said.code} ${said.text}`)
    return { said, copy: arrived[0]?.raw.toString('latin1'), id: /id=(\S+)/.exec(said.text)?.[1] ?? '' }
  }

  test('I1, I2: nobody is in the directory, from the internet', async () => {
    relay.use(projectWith(relay.sinkPort, []))
    for (const { name, raw } of all) {
      const { said, copy } = await send(internet, raw)
      if (refusedWith.has(name)) assert.equal(said.code, refusedWith.get(name), name)
      else assertSame(name, copy, onTheWire(raw))
    }
  })

  test('I1, I2: nobody is in the directory, from the tenant', async () => {
    relay.use(projectWith(relay.sinkPort, []))
    for (const { name, raw } of all) {
      const { said, copy } = await send(tenant, raw)
      if (refusedWith.has(name)) assert.equal(said.code, refusedWith.get(name), name)
      else if (!refusesFrom(said)) assertSame(name, copy, onTheWire(raw))
    }
  })

  test('I1, I2: by BDAT, as Exchange Online sends', async () => {
    relay.use(projectWith(relay.sinkPort, []))
    for (const { name, raw } of all) {
      const { said, copy } = await send(internet, raw, { via: 'BDAT' })
      // NUL is content in a chunk.
      if (refusedWith.get(name) === 552) assert.equal(said.code, 552, name)
      else assertSame(name, copy, asChunk(raw))
    }
  })

  test('I3: everybody is in the directory, and only addresses change', async () => {
    relay.use(projectWith(relay.sinkPort, domainsIn(all), 'pass'))
    const found: Case[] = []
    for (const { name, raw } of all.filter((fixture) => !refusedWith.has(fixture.name))) {
      const { copy, id } = await send(tenant, raw)
      assert.ok(copy !== undefined, name)
      found.push({ name, id, input: onTheWire(raw), copy })
    }
    cases = found
    const rewritten = cases.filter(isRewritten)
    assert.ok(rewritten.length > all.length / 2, `only ${rewritten.length}`)
    const loose = rewritten.filter((one) => !comesBackToTheByte(one))
    assert.deepEqual(
      loose.map(({ name }) => name),
      respelled,
    )
  })

  test('I3: messages within the message stay', () => {
    const came = python(cases.map(({ input }) => Buffer.from(input, 'latin1')))
    judged = python(
      cases.map(({ copy }) => Buffer.from(copy, 'latin1')),
      dnsRecord(relay),
    )
    cases.forEach(({ name }, i) => assert.deepEqual(judged[i]?.nested, came[i]?.nested, name))
    assert.ok(came.flatMap((one) => one.nested).length > 20)
  })

  test('I4: two parsers that are not ours find the new addresses', async () => {
    const missed: string[] = []
    for (const [i, one] of cases.entries()) {
      const wanted = newAddresses(one.id)
      if (wanted.length === 0) continue
      const seen = { Python: Object.values(judged[i]?.addresses ?? {}).flat(), 'postal-mime': await postal(one.copy) }
      for (const [parser, addresses] of Object.entries(seen)) {
        const known = new Set(addresses.map(bare))
        missed.push(...wanted.filter((a) => !known.has(a)).map((a) => `${one.name}: ${parser}, ${a}`))
      }
    }
    assert.deepEqual(missed.sort(), blindSpots)
  })

  test('I5: a verifier that is not ours accepts our signatures', () => {
    const unread: string[] = []
    let verified = 0
    for (const [i, { name }] of cases.entries()) {
      for (const [by, verdict] of judged[i]?.dkim ?? []) {
        if (by === '') unread.push(name)
        if (by !== selector) continue
        assert.equal(verdict, true, name)
        verified += 1
      }
    }
    assert.deepEqual(unread, unreadable)
    assert.ok(verified > 50, `${verified}`)
  })

  test('I6: the copy fed in again changes no more', async () => {
    for (const { name, copy } of cases) {
      const again = await send(tenant, Buffer.from(below(copy), 'latin1'))
      assertSame(name, again.copy, below(copy))
    }
  })

  test('I7: the way back restores the recipients', async () => {
    for (const { name, input, copy } of cases.filter(isRewritten)) {
      if (oneWay.includes(name)) continue
      const raw = Buffer.from(below(copy), 'latin1')
      const back = await send(internet, raw, { to: 'ann@one.example.out.example' })
      assert.ok(back.copy !== undefined, name)
      assert.deepEqual(recipientFields(below(back.copy)), recipientFields(input), name)
    }
  })

  test('accepted is what arrived, and the rest was refused', () => {
    assert.deepEqual(relay.errors, [])
    assert.equal(relay.counts.accepted, relay.arrived.length)
    assert.equal(relay.counts.delivered, relay.arrived.length)
    assert.equal(relay.counts.received, relay.counts.accepted + relay.counts.refused)
    // NUL in DATA is the listener's to refuse: it was never received.
    assert.equal(sent, relay.counts.received + relay.counts.protocolErrors)
  })

  /** What the trace calls new in the fields that those parsers show. */
  function newAddresses(id: string): readonly string[] {
    const shown = /^(?:from|sender|reply-to|to|cc)$/i
    const changes = relay.events.filter((e) => e.id === id && e.kind === 'REWRITE' && shown.test(e.field ?? ''))
    return [...new Set(changes.flatMap((change) => (change.new === undefined ? [] : bare(change.new))))]
  }
})

const isRewritten = ({ input, copy }: Case): boolean => below(copy) !== withoutOurs(input)

/** With every new address put back it is the message that came: always, but for spelling; true when to the byte. */
function comesBackToTheByte({ name, input, copy }: Case): boolean {
  const came = withoutOurs(input)
  assert.equal(loosely(below(copy)).replaceAll(suffix, ''), loosely(came), name)
  return below(copy).replaceAll(suffix, '') === came
}

/** Everybody at those domains lives in tenant one and is shown under `.out.example`. */
function projectWith(sinkPort: number, domains: readonly string[], ambiguousFrom = 'refuse') {
  const hop = `{ host: 127.0.0.1, port: ${sinkPort}, tls: none }`
  const own = ['one.example', 'home.example', ...domains].map((d) => JSON.stringify(d)).join(', ')
  const inside = domains.length === 0 ? [] : ['one.example', ...domains]
  const entries = inside.map((d) => `{ internal: "@${d}", external: "@${d}${suffix}" }`).join(', ')
  const shown = inside.map((d) => `  - { name: "${d}${suffix}", dkim: { selector: ${selector}, keyFile: key } }\n`)
  const yaml = `
name: fixtures
gateway: { hostname: gw.example.net }
tenants:
  - { name: one, kind: smtp, domains: [${own}], from: { addresses: [127.0.0.1] }, to: ${hop}, outbound: { smarthost: ${hop} } }
directory: [${entries}]
domains:
  - { name: home.example, unknown: { tenant: one } }
${shown.join('')}
policy: { ambiguousFrom: ${ambiguousFrom} }
`
  return projectOf(yaml, join(import.meta.dirname, 'project.yaml'))
}

function dnsRecord(relay: RunningRelay): string {
  const key = relay.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  return `v=DKIM1; k=rsa; p=${key}`
}
