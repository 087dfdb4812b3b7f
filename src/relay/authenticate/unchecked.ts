/** The answer when there is none: everything open, nothing guessed. */
import type { Authentication } from './result.ts'
import type { Subject } from './subject.ts'

export function unchecked({ address, helo, sender, authors }: Subject, why: string): Authentication {
  const domain = sender === '' ? helo : sender.slice(sender.lastIndexOf('@') + 1)
  return {
    address,
    spf: { result: 'temperror', identity: sender === '' ? 'helo' : 'mailfrom', domain, why },
    dkim: [{ result: 'temperror', domain: '', selector: '', algorithm: '', signature: '', why }],
    dmarc: { result: 'temperror', domain: authors.domains[0] ?? '', why },
    arc: { result: 'temperror', sealer: '', dmarc: '', why },
  }
}
