/**
 * What a receiver far away thinks of a message: SPF, DKIM and DMARC, judged by mailauth, which is not ours, with answers
 * from the lab's DNS alone.
 */
import { Resolver } from 'node:dns/promises'
import { type AuthenticateResult, authenticate } from 'mailauth'

export type Verdict = {
  /** `pass`, `fail`, `softfail`, `none` ... (RFC 8601 section 2.7). */
  readonly spf: string
  readonly spfDomain: string
  readonly dkim: readonly {
    readonly result: string
    readonly domain: string
    readonly selector: string
    readonly why: string
  }[]
  readonly dmarc: string
  /** What the author's domain asks for when DMARC fails. */
  readonly policy: string
  /** For people, a sentence each. */
  readonly words: readonly string[]
}

export type Envelope = { readonly ip: string; readonly helo: string; readonly mailFrom: string }

export type Judge = (raw: Buffer, envelope: Envelope) => Promise<Verdict>

export function makeJudge(hostname: string, dnsServer: string): Judge {
  const dns = new Resolver({ timeout: 2000, tries: 2 })
  dns.setServers([dnsServer])
  const resolver = async (name: string, type: string): Promise<string[] | string[][]> => {
    const found: unknown = await dns.resolve(name, type)
    return isAnswer(found) ? found : []
  }
  return async (raw, { ip, helo, mailFrom }) => {
    const options = { ip, helo, sender: mailFrom, mta: hostname, resolver, strict: true, disableBimi: true }
    return asVerdict(await authenticate(raw, options))
  }
}

/** The types of c-ares are wider than what mailauth takes: strings, lists of them, and MX records, which it reads as they are. */
function isAnswer(found: unknown): found is string[] | string[][] {
  return Array.isArray(found)
}

function asVerdict({ spf, dkim, dmarc }: AuthenticateResult): Verdict {
  const signatures = dkim.results
    .filter((each) => each.signingDomain !== undefined)
    .map((each) => ({
      result: each.status.result,
      domain: each.signingDomain ?? '',
      selector: each.selector ?? '',
      why: each.status.comment ?? '',
    }))
  const verdict = {
    spf: spf === false ? 'none' : spf.status.result,
    spfDomain: spf === false ? '' : spf.domain,
    dkim: signatures,
    dmarc: dmarc === false ? 'none' : dmarc.status.result,
    policy: dmarc === false ? 'none' : dmarc.policy,
  }
  return { ...verdict, words: wordsFor(verdict) }
}

function wordsFor({ spf, spfDomain, dkim, dmarc, policy }: Omit<Verdict, 'words'>): readonly string[] {
  const signed = dkim.map(
    (each) =>
      `DKIM ${each.result}: signature of ${each.domain}, selector ${each.selector}${each.why === '' ? '' : ` (${each.why})`}`,
  )
  return [
    `SPF ${spf}: may this address send for ${spfDomain || 'nobody'}?`,
    ...(signed.length === 0 ? ['DKIM none: not signed'] : signed),
    `DMARC ${dmarc}: the author's domain asks for ${policy} when it fails`,
  ]
}
