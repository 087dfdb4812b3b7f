/** The results as one line for people: with the reasons, which no message carries. */
import type { Authentication } from './result.ts'

export function resultsLine({ spf, dkim, dmarc, arc }: Authentication): string {
  const words = [
    `spf=${spf.result} (${of(spf.domain, spf.why)})`,
    ...dkim.map((d) => `dkim=${d.result} (${of(d.domain === '' ? '' : `${d.domain} ${d.selector}`, d.why)})`),
    `dmarc=${dmarc.result} (${of(dmarc.domain, dmarc.policy === undefined ? dmarc.why : `p=${dmarc.policy} ${dmarc.why}`)})`,
    `arc=${arc.result}${arc.result === 'none' ? '' : ` (${of(arc.sealer, arc.why)})`}`,
  ]
  return words.join('; ').replaceAll(' ()', '')
}

const of = (subject: string, why: string): string => [subject, why].filter((text) => text !== '').join(': ')
