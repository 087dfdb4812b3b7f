import assert from 'node:assert/strict'
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { after, describe, test } from 'node:test'
import * as fc from 'fast-check'
import { type MadeUpDns, type MadeUpName, madeUpDns } from '../../../test/support/made-up-dns.ts'
import { bytes, sender } from '../../../test/support/relay-values.ts'
import type { RecordResolver } from '../../dns/dns.ts'
import { parseHeader } from '../../mail/header/header.ts'
import { readMessage } from '../../mail/message/message.ts'
import { dkimRecord } from '../../secrets/secrets.ts'
import { type ChainStatus, type Signer, seal, sign } from '../sign/sign.ts'
import { type Authentication, authenticationShape, makeAuthenticator } from './authenticate.ts'
import { subjectOf } from './subject.ts'
import { CheckThread } from './thread.ts'

const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const signer = (domain: string): Signer => ({ domain, selector: 's', algorithm: 'rsa-sha256', key })
const TXT = (...texts: readonly string[]): MadeUpName => ({ TXT: texts })
const silent: MadeUpName = { unknown: true }

/** bank.example sends from 192.0.2.1 and signs; so does list.example, which asks for nothing. */
const names: Readonly<Record<string, MadeUpName>> = {
  'bank.example': TXT('v=spf1 ip4:192.0.2.1 -all'),
  's._domainkey.bank.example': TXT(dkimRecord(key)),
  '_dmarc.bank.example': TXT('v=DMARC1; p=reject'),
  'list.example': TXT('v=spf1 ip4:192.0.2.1 -all'),
  's._domainkey.list.example': TXT(dkimRecord(key)),
  'helo.example': TXT('v=spf1 ip4:192.0.2.1 -all'),
  '_dmarc.careful.example': TXT('v=DMARC1; p=quarantine'),
}
const header = 'From: Bank <ann@bank.example>\r\nTo: john@shared.example\r\nSubject: Hello\r\n'
const body = Buffer.from('Hello\r\n')

async function signed(domain: string, text = header): Promise<Buffer> {
  const fields = await sign(parseHeader(text), [body], [signer(domain)], new Date())
  return Buffer.concat([Buffer.from(`${fields.join('')}${text}\r\n`), body])
}

async function sealed(raw: Buffer, chain: ChainStatus, results = 'list.example; dmarc=pass'): Promise<Buffer> {
  const { header: fields, body: rest } = readMessage(raw)
  const made = await seal(fields, [rest], { signer: signer('list.example'), chain, results }, new Date())
  assert.ok(made.kind === 'sealed')
  return Buffer.concat([Buffer.from(made.text), raw])
}

type Given = {
  readonly raw: Buffer
  readonly dns?: Readonly<Record<string, MadeUpName>>
  readonly resolver?: RecordResolver
  readonly from?: string
  readonly address?: string
  readonly timeoutMs?: number
}

async function found({ raw, dns, resolver, from, address, timeoutMs }: Given): Promise<Authentication> {
  if (dns === undefined && resolver === undefined && timeoutMs === undefined)
    return usual.authenticate(asked(raw, from, address))
  const made = resolver ?? madeUpDns({ ...names, ...dns })
  const authenticator = makeAuthenticator({ resolver: made, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  try {
    return await authenticator.authenticate(asked(raw, from, address))
  } finally {
    await authenticator.close()
  }
}

/** Starting a thread takes longer than what it does. */
const usual = makeAuthenticator({ resolver: madeUpDns(names) })
after(() => usual.close())

const asked = (raw: Buffer, from = 'ann@bank.example', address = '192.0.2.1') => ({
  client: { address, helo: 'helo.example' },
  mailFrom: sender(from),
  message: readMessage(raw),
  hostname: 'gw.example.net',
})

const words = ({ spf, dkim, dmarc, arc }: Authentication): string =>
  `spf=${spf.result} dkim=${dkim.map((d) => d.result).join()} dmarc=${dmarc.result} arc=${arc.result}`

const plain = Buffer.concat([Buffer.from(`${header}\r\n`), body])
const elsewhere = '198.51.100.9'

describe('honest mail and forgeries', () => {
  test('passes by SPF and DKIM, by either of them, and fails by neither', async () => {
    assert.equal(words(await found({ raw: await signed('bank.example') })), 'spf=pass dkim=pass dmarc=pass arc=none')
    assert.equal(words(await found({ raw: plain })), 'spf=pass dkim=none dmarc=pass arc=none')
    const relayed = await found({ raw: await signed('bank.example'), address: elsewhere })
    assert.equal(words(relayed), 'spf=fail dkim=pass dmarc=pass arc=none')
    const forged = await found({ raw: plain, address: elsewhere })
    assert.equal(words(forged), 'spf=fail dkim=none dmarc=fail arc=none')
    assert.equal(forged.dmarc.policy, 'reject')
  })

  test('what passes for another domain does not count', async () => {
    const other = await found({ raw: await signed('list.example'), from: 'x@list.example' })
    assert.equal(words(other), 'spf=pass dkim=pass dmarc=fail arc=none')
  })

  test('the null sender is asked for by HELO', async () => {
    const { spf } = await found({ raw: plain, from: '' })
    assert.deepEqual([spf.result, spf.identity, spf.domain], ['pass', 'helo', 'helo.example'])
  })

  test('an answer survives JSON', async () => {
    const answer = await found({ raw: await signed('bank.example'), address: elsewhere })
    assert.deepEqual(authenticationShape.parse(JSON.parse(JSON.stringify(answer))), answer)
  })

  test('a signature whose From occurs twice is not acceptable, though it verifies', async () => {
    const raw = await signed('bank.example')
    const signature = raw.toString().replace('From:From:', 'From:')
    const { dkim } = await found({ raw: bytes(`From: thief@evil.example\n${signature}`) })
    assert.notEqual(dkim[0]?.result, 'pass')
  })
})

describe('From with several readings', () => {
  const two = (first: string, second: string) =>
    found({ raw: bytes(`From: ${first}\nFrom: ${second}\n\nHello\n`), from: 'x@list.example' })

  test('the strictest domain counts, wherever it stands', async () => {
    for (const { dmarc } of [
      await two('a@list.example', 'ann@bank.example'),
      await two('ann@bank.example', 'a@list.example'),
    ])
      assert.deepEqual([dmarc.result, dmarc.domain, dmarc.policy], ['fail', 'bank.example', 'reject'])
    const several = bytes('From: a@careful.example, ann@bank.example\nSender: a@list.example\n\nHello\n')
    assert.equal((await found({ raw: several, from: 'x@list.example' })).dmarc.domain, 'bank.example')
  })

  test('it never passes', async () => {
    const { dmarc } = await two('a@list.example', 'b@list.example')
    assert.equal(dmarc.result, 'permerror')
    assert.match(dmarc.why, /more than one From/)
  })

  test('no From, no verdict', async () => {
    assert.equal((await found({ raw: bytes('Subject: x\n\nHello\n') })).dmarc.result, 'none')
  })
})

describe('a DNS that does not answer is never a yes or a no', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, MadeUpName>>, string])[] = [
    ['for SPF', { 'bank.example': silent }, 'spf=temperror dkim=pass dmarc=pass arc=none'],
    ['for the key', { 's._domainkey.bank.example': silent }, 'spf=pass dkim=temperror dmarc=pass arc=none'],
    [
      'for both',
      { 'bank.example': silent, 's._domainkey.bank.example': silent },
      'spf=temperror dkim=temperror dmarc=temperror arc=none',
    ],
    ['for the policy', { '_dmarc.bank.example': silent }, 'spf=pass dkim=pass dmarc=temperror arc=none'],
  ]
  for (const [name, dns, expected] of cases) {
    test(name, async () => {
      // With a record of its own a domain needs no other for its policy, so a silent one above it does no harm.
      assert.equal(words(await found({ raw: await signed('bank.example'), dns })), expected)
    })
  }

  test('SPF silent, and no signature: whether DMARC passes is not known', async () => {
    const { dmarc } = await found({ raw: plain, dns: { 'bank.example': silent } })
    assert.equal(dmarc.result, 'temperror')
  })

  test('what could not have helped leaves the verdict', async () => {
    const raw = await signed('list.example')
    const dns = { 'list.example': silent, 's._domainkey.list.example': silent }
    const answer = await found({ raw, dns, from: 'x@list.example', address: elsewhere })
    assert.equal(words(answer), 'spf=temperror dkim=temperror dmarc=fail arc=none')
  })

  test('for the key of a seal: the chain has neither passed nor failed', async () => {
    const raw = await sealed(await signed('bank.example'), 'none')
    assert.equal((await found({ raw })).arc.result, 'pass')
    const { arc } = await found({ raw, dns: { 's._domainkey.list.example': silent } })
    assert.deepEqual([arc.result, arc.why], ['temperror', 'the DNS did not answer for s._domainkey.list.example'])
  })

  test('that hangs: all is open when time is up', async () => {
    const never = new Promise<never>(() => {})
    const resolver = { ...madeUpDns({}), records: () => never, mx: () => never }
    const before = performance.now()
    const answer = await found({ raw: await sealed(await signed('bank.example'), 'none'), resolver, timeoutMs: 200 })
    assert.ok(performance.now() - before < 5000)
    assert.equal(words(answer), 'spf=temperror dkim=temperror dmarc=temperror arc=temperror')
  })
})

describe('ARC', () => {
  test('who sealed last and what he saw is told of a chain that passes', async () => {
    const { arc } = await found({ raw: await sealed(await signed('bank.example'), 'none') })
    assert.deepEqual([arc.result, arc.sealer, arc.dmarc], ['pass', 'list.example', 'pass'])
  })

  test('a chain over a message that was changed fails, and nothing in it is believed', async () => {
    const raw = await sealed(plain, 'none')
    const { arc } = await found({ raw: Buffer.from(raw.toString('latin1').replace('Subject: Hello', 'Subject: Buy')) })
    assert.deepEqual([arc.result, arc.sealer, arc.dmarc], ['fail', '', ''])
  })
})

describe('mail that means harm', () => {
  const signature = (extra: string): string =>
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; ${extra} bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n`

  test('ten signatures are looked at, whoever made them', async () => {
    const dns = madeUpDns(names)
    const many = Array.from({ length: 300 }, (_, i) => signature(`d=d${i}.example; s=s; h=from;`)).join('')
    const { dkim } = await found({ raw: Buffer.from(`${many}${header}\r\n`), resolver: dns })
    assert.equal(dkim.length, 10)
    assert.ok(questionsFor(dns, '_domainkey') <= 10)
  })

  test('the body is hashed in three ways at most, and signatures of any length are read', async () => {
    const lengths = Array.from({ length: 9 }, (_, i) => signature(`d=a.example; s=s; l=${i + 1}; h=from;`)).join('')
    const { dkim } = await found({ raw: Buffer.from(`${lengths}${header}\r\nHello\r\n`) })
    assert.equal(dkim.filter(({ why }) => why.includes('ways to hash')).length, 6)
    const long = await found({
      raw: Buffer.from(`${signature(`d=a.example; s=s; h=${'a:'.repeat(1000)}from;`)}${header}\r\n`),
    })
    assert.match(long.dkim[0]?.why ?? '', /too long/)
  })

  // RFC 8301 section 3.2. rspamd has met records with keys of any length.
  test('a key that anybody could break, and one without end, prove nothing', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey
    const fields = await sign(parseHeader(header), [body], [{ ...signer('bank.example'), key: weak }], new Date())
    const raw = Buffer.concat([Buffer.from(`${fields.join('')}${header}\r\n`), body])
    for (const record of [
      dkimRecord(weak),
      `v=DKIM1; p=${'A'.repeat(60_000)}`,
      `v=DKIM1; p=AAAA; ${'x=y; '.repeat(10_000)}`,
    ]) {
      const before = performance.now()
      const dns = { 's._domainkey.bank.example': TXT(record) }
      const { dkim, dmarc } = await found({ raw, dns, address: elsewhere })
      assert.ok(dkim.length === 1 && dkim[0]?.result !== 'pass', JSON.stringify(dkim))
      assert.equal(dmarc.result, 'fail')
      assert.ok(performance.now() - before < 3000)
    }
  })

  test('keys that take long to verify with are not used, in signatures and seals', async () => {
    const odd = (bits: number): Buffer =>
      Buffer.concat([Buffer.of(0x80), Buffer.alloc(bits / 8 - 2, 0x55), Buffer.of(1)])
    const record = (modulus: number, exponent: Buffer): string => {
      const jwk = { kty: 'RSA', n: odd(modulus).toString('base64url'), e: exponent.toString('base64url') }
      const der = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' })
      return `v=DKIM1; p=${der.toString('base64')}`
    }
    const usualExponent = Buffer.of(1, 0, 1)
    const field = 'DKIM-Signature: v=1; a=rsa-sha256; d=bank.example; s=s; h=from; bh='
    const hash = createHash('sha256').update(body).digest('base64')
    const one = `${field}${hash}; b=${'A'.repeat(500)}\r\n`
    const seals = Array.from({ length: 50 }, (_, i) => {
      const common = `i=${50 - i}; a=rsa-sha256; d=bank.example; s=s; b=${'A'.repeat(500)}`
      return `ARC-Seal: cv=${i === 49 ? 'none' : 'pass'}; ${common}\r\nARC-Message-Signature: h=from; bh=${hash}; ${common}\r\nARC-Authentication-Results: i=${50 - i}; bank.example; dmarc=pass\r\n`
    })
    const raw = Buffer.concat([Buffer.from(`${one.repeat(10)}${seals.join('')}${header}\r\n`), body])
    for (const text of [record(3072, odd(3000)), record(16_384, usualExponent)]) {
      const { dkim, arc } = await found({ raw, dns: { 's._domainkey.bank.example': TXT(text) }, address: elsewhere })
      assert.ok(
        dkim.every(({ result, why }) => result !== 'pass' && /key type/i.test(why)),
        JSON.stringify(dkim[0]),
      )
      assert.equal(arc.result, 'fail')
    }
    const large = await found({ raw, dns: { 's._domainkey.bank.example': TXT(record(4096, usualExponent)) } })
    assert.doesNotMatch(large.dkim[0]?.why ?? '', /key type/i)
  })

  test('headers that take long to read are not read', async () => {
    for (const odd of [`X: a${' '.repeat(300_000)}b\r\n`, 'x\r\n'.repeat(100_000), `X: ${'a'.repeat(600_000)}\r\n`]) {
      const before = performance.now()
      const raw = Buffer.from(`${signature('d=a.example; s=s; h=from;')}${odd}${header}\r\n`)
      assert.equal((await found({ raw })).dkim[0]?.result, 'permerror')
      assert.ok(performance.now() - before < 3000)
    }
  })

  test('a name that is none does not get into a question or an answer', async () => {
    const raw = Buffer.from(`${signature("d=legit'a.evil; s=s._domainkey.evil.\0.any; h=from;")}${header}\r\n`)
    assert.equal((await found({ raw })).dkim[0]?.result, 'neutral')
  })

  test('any bytes have an answer', async () => {
    const piece = fc.constantFrom(
      ...[
        'DKIM-Signature:',
        'ARC-Seal: i=1;',
        'ARC-Message-Signature: i=1;',
        'ARC-Authentication-Results: i=1;',
        'From: ',
      ],
      ...[
        'v=1;',
        'a=rsa-sha256;',
        'd=bank.example;',
        's=s;',
        'h=from;',
        'bh=;',
        'b=AAAA',
        'cv=none;',
        'l=0;',
        't=x;',
        'c=/;',
      ],
      ...['\r\n', '\r\n ', ' ', '\0', '"', '(', ')', ';', '@', '<', '\xff', 'ann@bank.example', '\r\n\r\n', '\n', '='],
    )
    const message = fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join(''), 'latin1'))
    await fc.assert(
      fc.asyncProperty(message, async (raw) => {
        const answer = await usual.authenticate(asked(raw))
        assert.doesNotMatch(JSON.stringify(answer), /thread ended|took too long/)
        assert.doesNotThrow(() => authenticationShape.parse(answer))
      }),
      { numRuns: 300 },
    )
  })
})

const questionsFor = (dns: MadeUpDns, what: string): number => dns.asked.filter((name) => name.includes(what)).length

describe('the thread', () => {
  const options = { resolver: madeUpDns(names), maxBytes: 1_000_000 }
  const heavy = () =>
    subjectOf(
      asked(
        Buffer.concat([
          Buffer.from(
            `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from; bh=x; b=x\r\n${header}\r\n`,
          ),
          Buffer.alloc(10_000_000, 'ab cd \r\n'),
        ]),
      ),
    )

  test('that is stuck is given up, and the next message has another one', async () => {
    const thread = new CheckThread({ ...options, timeoutMs: 50, graceMs: 50 })
    assert.equal((await thread.check(heavy())).spf.why, 'the check took too long')
    await thread.close()
    const next = new CheckThread({ ...options, timeoutMs: 5000, graceMs: 5000 })
    const stuck = next.check(heavy())
    const behind = next.check(subjectOf(asked(plain)))
    assert.equal((await behind).dmarc.result, 'pass')
    await stuck
    assert.equal((await next.check(subjectOf(asked(plain)))).dmarc.result, 'pass')
    await next.close()
  })

  test('gets so much at once; what waits longer than its time is not checked', async () => {
    const never = { ...madeUpDns({}), records: () => new Promise<never>(() => {}) }
    const thread = new CheckThread({ resolver: never, maxBytes: 1, timeoutMs: 100, graceMs: 1000 })
    const [first, second] = await Promise.all([
      thread.check(subjectOf(asked(plain))),
      thread.check(subjectOf(asked(plain))),
    ])
    assert.match(first.spf.why, /not answered within 0.1 s/)
    assert.equal(second.spf.why, 'too much to check at once')
    await thread.close()
  })

  test('when it is closed everybody has an answer', async () => {
    const never = { ...madeUpDns({}), records: () => new Promise<never>(() => {}) }
    const thread = new CheckThread({ ...options, resolver: never, timeoutMs: 60_000, graceMs: 1000 })
    const open = thread.check(subjectOf(asked(plain)))
    await thread.close()
    assert.equal((await open).spf.result, 'temperror')
    assert.equal((await thread.check(subjectOf(asked(plain)))).spf.why, 'shutting down')
  })
})
