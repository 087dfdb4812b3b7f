/** The Authentication-Results field (RFC 8601), and the same words for an ARC set (RFC 8617 section 4.1.1). */
import { domainKey } from '../../mail/address/address.ts'
import type { Authentication, DkimResult } from './result.ts'

/** The field with its final CRLF, to stand above everything that came. */
export function authenticationResults(hostname: string, authentication: Authentication): string {
  return `Authentication-Results: ${resultsText(hostname, authentication)}\r\n`
}

/** authserv-id and results, one on a line. Whatever came from a stranger is in it only where it is a plain word. */
export function resultsText(hostname: string, a: Authentication): string {
  const { spf, dkim, dmarc, arc } = a
  const results = [
    [`spf=${spf.result}`, property(`smtp.${spf.identity}`, domainKey(spf.domain))],
    ...dkim.map(dkimWords),
    [
      `dmarc=${dmarc.result}`,
      dmarc.result === 'fail' ? property('policy.dmarc', dmarc.policy ?? '') : '',
      property('header.from', domainKey(dmarc.domain)),
    ],
    // RFC 8617 section 6.
    [`arc=${arc.result}`, arc.result === 'none' ? '' : property('smtp.remote-ip', a.address)],
  ]
  const lines = results.map((words) => words.filter((word) => word !== '').join(' '))
  return [hostname, ...lines].join(';\r\n\t')
}

/** RFC 8601 section 2.7.1 and RFC 6008. */
function dkimWords({ result, domain, selector, algorithm, signature }: DkimResult): readonly string[] {
  return [
    `dkim=${result}`,
    property('header.d', domainKey(domain)),
    property('header.s', domainKey(selector)),
    property('header.a', /^[a-z0-9]+-[a-z0-9]+$/i.test(algorithm) ? algorithm : ''),
    property('header.b', /^[A-Za-z0-9+/=]+$/.test(signature) ? signature : ''),
  ]
}

/** A value is a token (RFC 2045 section 5.1) or is quoted; nothing that is neither gets here. */
function property(name: string, value: string): string {
  if (value === '') return ''
  return /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+$/.test(value) ? `${name}=${value}` : `${name}="${value}"`
}
