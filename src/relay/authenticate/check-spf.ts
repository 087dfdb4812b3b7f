/** SPF (RFC 7208) of MAIL FROM, or of HELO for the null sender. */
import { isIP } from 'node:net'
import { spf } from 'mailauth/lib/spf/index.js'
import { type Lookup, oneOf, textOf } from './lookup.ts'
import type { SpfResult } from './result.ts'
import type { Subject } from './subject.ts'

const results = ['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror'] as const

export async function checkSpf({ address, helo, sender, hostname }: Subject, resolver: Lookup): Promise<SpfResult> {
  const identity = sender === '' ? 'helo' : 'mailfrom'
  const name = identity === 'helo' ? helo : sender.slice(sender.lastIndexOf('@') + 1)
  const domain = name.toLowerCase().replace(/\.$/, '')
  // RFC 7208 section 2.3: a HELO that is an address literal, or nothing, has no policy.
  if (domain === '' || isIP(domain) !== 0 || domain.startsWith('['))
    return { result: 'none', identity, domain: '', why: 'no domain to ask about' }
  // An explanation has no connection, so nobody is asked about its address.
  if (isIP(address) === 0) return { result: 'none', identity, domain, why: 'the address of the sender is not known' }
  const { status } = await spf({ resolver, ip: address, helo, sender, mta: hostname, strict: true })
  return { result: oneOf(results, status.result, 'temperror'), identity, domain, why: textOf(status.comment) }
}
