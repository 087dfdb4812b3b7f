/** A report as a message: text and HTML of the same, and the CSV files. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Letter } from './ground.ts'

/** Everything in it is ASCII: bodies and files in base64. */
export function composeLetter(letter: Letter, hostname: string, date: Date): Buffer {
  const [mixed, both] = [boundary(), boundary()]
  const lines = [
    `From: Causeway <postmaster@${hostname}>`,
    `To: ${letter.to.map((address) => `<${address.replaceAll(/[<>\r\n]/g, '')}>`).join(',\r\n ')}`,
    `Subject: ${letter.subject.replaceAll(/[^ -~]/g, '?')}`,
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${randomUUID()}@${hostname}>`,
    // RFC 3834 section 5: nobody answers to it.
    'Auto-Submitted: auto-generated',
    'X-Auto-Response-Suppress: All',
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${mixed}"`,
    '',
    `--${mixed}`,
    `Content-Type: multipart/alternative; boundary="${both}"`,
    '',
    ...part(both, 'text/plain; charset=utf-8', letter.text.replaceAll('\n', '\r\n')),
    ...part(both, 'text/html; charset=utf-8', letter.html),
    `--${both}--`,
    '',
    ...letter.files.flatMap(({ name, csv }) =>
      part(mixed, `text/csv; charset=utf-8; name="${name}"`, csv, `attachment; filename="${name}"`),
    ),
    `--${mixed}--`,
    '',
  ]
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

const boundary = (): string => `=_causeway_${randomBytes(12).toString('hex')}`

function part(border: string, type: string, text: string, disposition?: string): readonly string[] {
  return [
    `--${border}`,
    `Content-Type: ${type}`,
    ...(disposition === undefined ? [] : [`Content-Disposition: ${disposition}`]),
    'Content-Transfer-Encoding: base64',
    '',
    // RFC 2045 section 6.8: lines of 76.
    ...(Buffer.from(text, 'utf8')
      .toString('base64')
      .match(/.{1,76}/g) ?? []),
  ]
}
