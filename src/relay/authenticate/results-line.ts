/** The results as one line for people: with the reasons, which no message carries. */
import type { Authentication, DmarcResult } from './result.ts'

export function resultsLine({ spf, dkim, dmarc, arc }: Authentication): string {
  const words = [
    `spf=${spf.result} (${of(spf.domain, spf.why)})`,
    ...dkim.map((d) => `dkim=${d.result} (${of(d.domain === '' ? '' : `${d.domain} ${d.selector}`, d.why)})`),
    `dmarc=${dmarc.result} (${of(dmarc.domain, dmarcWhy(dmarc))})`,
    `arc=${arc.result}${arc.result === 'none' ? '' : ` (${of(arc.sealer, arc.why)})`}`,
  ]
  return words.join('; ').replaceAll(' ()', '')
}

const of = (subject: string, why: string): string => [subject, why].filter((text) => text !== '').join(': ')

const dmarcWhy = ({ policy, why }: DmarcResult): string => [policy && `p=${policy}`, why].filter(Boolean).join(', ')
