/** The validation cases of the ARC test suite (test/fixtures/arc) through our door. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { madeUpDns } from '../../../test/support/made-up-dns.ts'
import { bytes, sender } from '../../../test/support/relay-values.ts'
import { readMessage } from '../../mail/message/message.ts'
import { makeAuthenticator } from './authenticate.ts'

const suite = z.object({
  description: z.string(),
  tests: z.record(z.string(), z.object({ message: z.string(), cv: z.string().nullish() })),
  'txt-records': z.record(z.string(), z.string().nullable()).nullish(),
})

/** Cases that come out in another way, and why that does no harm. */
const known: Readonly<Record<string, string>> = {
  // The suite leaves these open. A seal that says that the chain has failed is believed (RFC 8617 section 5.2).
  cv_fail_i1_as_cv_fail: 'fail',
  cv_fail_i2_as2_fail: 'fail',
  cv_fail_i2_as1_fail: 'fail',
  // RFC 8617 section 4.1.2 takes c= from DKIM, where none means simple/simple; the draft that this was made for meant relaxed.
  ams_fields_c_na: 'fail',
  // A signature that does not cover From says nothing of it (RFC 6376 section 5.4).
  ams_fields_h_empty: 'fail',
}

const file = join(import.meta.dirname, '../../../test/fixtures/arc/arc-draft-validation-tests.yml')

for (const document of parseAllDocuments(readFileSync(file, 'utf8'), { uniqueKeys: false })) {
  const { description, tests, 'txt-records': keys } = suite.parse(document.toJS())
  describe(`ARC: ${description}`, () => {
    const names = Object.entries(keys ?? {}).map(([name, text]) => [name, { TXT: [text ?? ''] }] as const)
    const authenticator = makeAuthenticator({ resolver: madeUpDns(Object.fromEntries(names)) })
    after(() => authenticator.close())
    for (const [name, { message, cv }] of Object.entries(tests)) {
      test(name, async () => {
        const { arc } = await authenticator.authenticate({
          client: { address: '192.0.2.1', helo: 'x.invalid' },
          mailFrom: sender('a@x.invalid'),
          message: readMessage(bytes(message)),
          hostname: 'gw.example.net',
        })
        assert.equal(arc.result, known[name] ?? (cv ?? '').trim().toLowerCase(), arc.why)
      })
    }
  })
}
