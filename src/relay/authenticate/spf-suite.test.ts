/** The SPF test suite for RFC 7208 (test/fixtures/spf) through our door. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { type MadeUpName, madeUpDns } from '../../../test/support/made-up-dns.ts'
import { bytes } from '../../../test/support/relay-values.ts'
import { parsePath } from '../../mail/address/address.ts'
import { readMessage } from '../../mail/message/message.ts'
import { type Authenticator, makeAuthenticator } from './authenticate.ts'

/** What SMTP has no room for: no local part (RFC 7208 section 4.3 takes postmaster), and a space without quotes. */
const inOurSpelling: Readonly<Record<string, string>> = {
  '@example.net': 'postmaster@example.net',
  'Macro Error@e8.example.com': '"Macro Error"@e8.example.com',
}

const texts = z.union([z.string(), z.array(z.string())])
const record = z.union([
  z.literal('TIMEOUT'),
  z.partialRecord(z.enum(['SPF', 'TXT', 'A', 'AAAA', 'PTR', 'CNAME']), texts),
  z.object({ MX: z.tuple([z.number(), z.string()]) }),
])
const suite = z.object({
  description: z.string(),
  tests: z.record(
    z.string(),
    z.object({
      helo: z.string(),
      host: z.string(),
      mailfrom: z.string(),
      result: z.union([z.string(), z.array(z.string())]),
    }),
  ),
  zonedata: z.record(z.string(), z.array(record)),
})

/** As the suite says: what is there for the old type SPF stands as TXT, where the zone has no TXT of its own. */
function zoneName(records: readonly z.infer<typeof record>[]): MadeUpName {
  const of = (type: string): string[] | undefined => {
    const found = records.flatMap((one) => {
      const value = typeof one === 'string' ? undefined : Object.entries(one).find(([key]) => key === type)?.[1]
      if (value === undefined) return []
      return [type === 'SPF' || type === 'TXT' ? [value].flat().join('') : String(value)]
    })
    return found.length === 0 ? undefined : found
  }
  const mx = records.flatMap((one) => (typeof one === 'object' && 'MX' in one ? [one.MX] : []))
  const own = of('TXT')?.filter((text) => text !== 'NONE')
  const named = { A: of('A'), AAAA: of('AAAA'), PTR: of('PTR'), CNAME: of('CNAME'), TXT: own ?? of('SPF') }
  const present = Object.fromEntries(
    Object.entries(named).filter(([, value]) => value !== undefined && value.length > 0),
  )
  return {
    ...present,
    ...(mx.length === 0 ? {} : { MX: mx.map(([preference, host]) => ({ host, preference })) }),
    ...(records.includes('TIMEOUT') ? { unknown: true } : {}),
  }
}

const suites = parseAllDocuments(
  readFileSync(join(import.meta.dirname, '../../../test/fixtures/spf/rfc7208-tests.yml'), 'utf8'),
  { uniqueKeys: false },
)

for (const document of suites) {
  const { description, tests, zonedata } = suite.parse(document.toJS())
  describe(`SPF: ${description}`, () => {
    const resolver = madeUpDns(
      Object.fromEntries(Object.entries(zonedata).map(([name, records]) => [name, zoneName(records)])),
    )
    const authenticator: Authenticator = makeAuthenticator({ resolver })
    after(() => authenticator.close())
    for (const [name, { helo, host, mailfrom, result }] of Object.entries(tests)) {
      test(name, async () => {
        const path = parsePath(inOurSpelling[mailfrom] ?? mailfrom)
        // Our listener refuses such a MAIL FROM before anybody is asked.
        if (path.kind !== 'address' && path.kind !== 'null') return assert.equal(result, 'none')
        const { spf } = await authenticator.authenticate({
          client: { address: host, helo },
          mailFrom: { path, text: mailfrom, body: '7BIT', smtputf8: false },
          message: readMessage(bytes('From: a@b.invalid\n\n')),
          hostname: 'gw.example.net',
        })
        assert.ok(
          [result].flat().includes(spf.result),
          `${spf.result} instead of ${[result].flat().join()}: ${spf.why}`,
        )
      })
    }
  })
}
