/** DKIM messages that are not ours (test/fixtures/dkim). */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { z } from 'zod'
import { madeUpDns } from '../../../test/support/made-up-dns.ts'
import { bytes, sender } from '../../../test/support/relay-values.ts'
import { readMessage } from '../../mail/message/message.ts'
import { makeAuthenticator } from './authenticate.ts'

const folder = join(import.meta.dirname, '../../../test/fixtures/dkim')
const keys = z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8')))
const resolver = madeUpDns(Object.fromEntries(Object.entries(keys).map(([name, text]) => [name, { TXT: [text] }])))
const authenticator = makeAuthenticator({ resolver })
after(() => authenticator.close())

/** What each signature must come to, in order. */
const expected: Readonly<Record<string, string>> = {
  'rfc6376-A.2.eml': 'pass',
  'rfc8463-A.3.eml': 'pass pass',
  'rfc8463-A.3-key_algo_mismatch.eml': 'neutral neutral',
  'rfc6376-A.2-body_modified.eml': 'fail',
  'rfc6376-A.2-header_subject_modified.eml': 'fail',
  // A tag that must be there is not.
  'rfc6376-A.2-ill_formed-missing_v.eml': 'neutral',
  'rfc6376-A.2-ill_formed-list_id.eml': 'pass',
  'ill_formed-from.eml': 'none',
  // By the letter these pass: the signature covers one of two. A reader shows the other one.
  'added_header-date.eml': 'policy',
  'added_header-from.eml': 'policy',
  'added_header-subject.eml': 'policy',
  'added_header-to.eml': 'policy',
  'alignment-from_not_in_auid.eml': 'pass',
  'alignment-from_not_in_sdid.eml': 'pass',
  'alignment-signed_by_parent_domain.eml': 'pass',
  'flags_s-auid_and_sdid_match.eml': 'pass',
  'flags_s-auid_is_subdomain_of_sdid.eml': 'neutral',
  'header_with_non_ascii_char.eml': 'pass',
  'time-received_after_creation.eml': 'pass',
  'time-received_briefly_before_creation.eml': 'pass',
  'time-received_long_before_creation.eml': 'pass',
  'unsigned_header-content-type.eml': 'pass',
  'unsigned_header-reply_to-in_domain.eml': 'pass',
  'unsigned_header-reply_to-invalid.eml': 'pass',
  'unsigned_header-reply_to-not_in_domain.eml': 'pass',
}

for (const name of readdirSync(folder).filter((file) => file.endsWith('.eml'))) {
  test(name, async () => {
    const raw = bytes(readFileSync(join(folder, name), 'latin1'))
    const { dkim } = await authenticator.authenticate({
      client: { address: '192.0.2.1', helo: 'x.invalid' },
      mailFrom: sender('a@x.invalid'),
      message: readMessage(raw),
      hostname: 'gw.example.net',
    })
    assert.equal(dkim.map(({ result }) => result).join(' '), expected[name], dkim.map(({ why }) => why).join('; '))
  })
}
