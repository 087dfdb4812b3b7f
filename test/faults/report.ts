/** A delivery report (RFC 3464) as a next hop gets it: about which message, and who did not get it. */
import { ledgerField } from './ledger.ts'

export type Report = { readonly id: string; readonly failed: readonly string[] }

/** undefined: this is no delivery report. */
export function readReport(raw: string): Report | undefined {
  if (!/^content-type:\s*multipart\/report/im.test(raw)) return undefined
  const id = new RegExp(`^${ledgerField}: (.*)\r$`, 'm').exec(raw)?.[1] ?? ''
  // One group of fields for each recipient, an empty line between two (RFC 3464 section 2.1).
  const groups = raw.split(/\r\n\r\n/).filter((group) => /^final-recipient:/im.test(group))
  const failed = groups.filter((group) => /^action:\s*failed/im.test(group)).map(recipientOf)
  return { id, failed }
}

/** The address as the sender wrote it, where the report has it. */
function recipientOf(group: string): string {
  const [, original] = /^original-recipient:[^;]*;\s*(\S+)/im.exec(group) ?? []
  const [, final] = /^final-recipient:[^;]*;\s*(\S+)/im.exec(group) ?? []
  return original ?? final ?? ''
}
