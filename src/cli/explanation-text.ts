/** An explanation for people. */
import type { ExplainedAddress, ExplainedDelivery, Explanation, NotChecked } from '../relay/explain/explain.ts'
import { escapeText } from '../trace/trace.ts'

export function explanationText(explanation: Explanation): string {
  const { peer, refused, notChecked, deliveries, reasons } = explanation
  const lines = [`From     ${peer}`, ...reasons.map((reason) => `         ${reason}`)]
  if (refused !== undefined)
    lines.push('', `REFUSED  ${refused.code} ${refused.enhanced} ${refused.text}`, `         ${refused.why}`)
  if (notChecked !== undefined) lines.push('', ...notCheckedLines(notChecked))
  deliveries.forEach((delivery, i) => {
    lines.push('', ...deliveryLines(delivery, i + 1))
  })
  return `${lines.map(escapeText).join('\n')}\n`
}

const notCheckedLines = ({ checks, why, remedy }: NotChecked): readonly string[] => [
  `NOT CHECKED  ${checks.map((check) => check.toUpperCase()).join(', ')}: ${why}`,
  `             ${remedy}`,
]

function deliveryLines(delivery: ExplainedDelivery, n: number): string[] {
  const { side, by, tenant, nextHop, mailFrom, recipients, changes, signed, reasons, file } = delivery
  const way =
    by === 'tenant' ? `to tenant ${tenant ?? ''}` : `by ${by}${tenant === undefined ? '' : ` through ${tenant}`}`
  const hop = by === 'direct' ? `the MX of ${nextHop.host}` : `${nextHop.host}:${nextHop.port}`
  return [
    `Copy ${n}   ${side}, ${way}, next hop ${hop}`,
    ...reasons.map((reason) => `  because    ${reason}`),
    `  MAIL FROM  ${addressLine(mailFrom)}`,
    ...recipients.map((recipient) => `  RCPT TO    ${addressLine(recipient)}`),
    ...changes.flatMap((change) => [
      `  ${change.field}`,
      `    - ${change.old}`,
      `    + ${change.new}${entryNote(change.old, change.new, change.entry)}`,
    ]),
    ...(changes.length === 0 ? ['  no field is changed'] : []),
    ...signed.map((s) => `  signed     d=${s.domain} s=${s.selector}`),
    ...(file === undefined ? [] : [`  written to ${file}`]),
  ]
}

function addressLine({ given, rewritten, entry }: ExplainedAddress): string {
  if (given === rewritten) return `<${given}>`
  return `<${given}>  ->  <${rewritten}>${entryNote(given, rewritten, entry ?? 'no entry')}`
}

/** The entry that decided, unless it says just what the reader has read. */
export function entryNote(old: string, next: string, entry: string): string {
  return entry === `${old} -> ${next}` || entry === `${next} -> ${old}` ? '' : `   (${entry})`
}
