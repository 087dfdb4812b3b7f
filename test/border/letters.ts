/** The text of the messages that attacks are made of. Each has a mark of its own, by which it is found again. */
import { randomBytes } from 'node:crypto'

export const makeMark = (): string => `mark-${randomBytes(9).toString('hex')}`

export type Words = {
  readonly mark: string
  /** The whole value of the field; undefined: from ann@fabrikam.example. */
  readonly from?: string
  readonly to?: string
  /** Lines above the others, with CRLF. */
  readonly top?: string
  readonly body?: string
}

export function content({
  mark,
  from = 'ann@fabrikam.example',
  to = 'zoe@away.example',
  top = '',
  body,
}: Words): string {
  return [
    `${top}From: ${from}`,
    `To: ${to}`,
    'Date: Thu, 01 Oct 2026 10:00:00 +0000',
    `Message-ID: <${mark}@border.example>`,
    `Subject: ${mark}`,
    '',
    body ?? 'Hello.',
  ].join('\r\n')
}

/** The value of a header field as it stands in the message, unfolded; undefined: it has none of that name. */
export function fieldOf(raw: string, name: string): string | undefined {
  return fieldsOf(raw, name)[0]
}

export function fieldsOf(raw: string, name: string): readonly string[] {
  const [header = ''] = raw.split('\r\n\r\n', 1)
  const lines = header.replaceAll(/\r\n(?=[ \t])/g, '').split('\r\n')
  const wanted = `${name.toLowerCase()}:`
  return lines.filter((l) => l.toLowerCase().startsWith(wanted)).map((l) => l.slice(wanted.length).trim())
}
