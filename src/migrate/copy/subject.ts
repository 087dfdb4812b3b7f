/** Subjects for lists that people read. */
import { decodeWords } from '../../mail/report/report.ts'
import type { Heading } from '../mailbox/mailbox.ts'

const longest = 200

export function subjectOf(fields: Heading['fields']): string {
  const raw = fields.find(([name]) => name.toLowerCase() === 'subject')?.[1] ?? ''
  const text = decodeWords(raw.slice(0, 8 * longest))
  return Array.from(text.replaceAll(/\p{Cc}+/gu, ' ').trim())
    .slice(0, longest)
    .join('')
}
