/**
 * The messages that are sent: one body for each size, and for each message a header of its own, as Outlook writes them.
 * Every address `uN@tenant1.example` in it (N below 10,000) has an entry; the recipient is outside.
 */
import type { Size } from './work.ts'

export const userCount = 10_000
export const innerDomain = 'tenant1.example'
export const outerDomain = 'shared.example'
export const mark = 'X-Bench'

const bytes: { readonly [size in Size]: number } = { '4k': 4096, '50k': 51_200, '1m': 1_048_576 }
/** About what the header takes. */
const headerBytes = 1750

export const mailFrom = (number: number): string => `u${number % userCount}@${innerDomain}`
export const rcptTo = (number: number): string => `partner${number % 1000}@ext.example`

/** As it goes over the wire, up to the empty line; `run` and `number` say which message it is. */
export function head(size: Size, run: string, number: number): string {
  const from = `u${number % userCount}@${innerDomain}`
  const to = (number * 7919 + 13) % userCount
  const cc = (number * 104_729 + 5) % userCount
  return crlf(`${mark}: ${run} ${number}
Received: from AM0PR05MB1234.eurprd05.prod.outlook.example (2603:10a6:208:cf::27)
 by AM0PR05MB5678.eurprd05.prod.outlook.example (2603:10a6:208:c1::15) with
 HTTPS; Sun, 22 Nov 2026 20:00:00 +0000
Received: from AM0PR05MB1234.eurprd05.prod.outlook.example
 ([fe80::1c2d:3e4f:5a6b:7c8d]) by AM0PR05MB1234.eurprd05.prod.outlook.example
 ([fe80::1c2d:3e4f:5a6b:7c8d%4]) with mapi id 15.20.8000.015; Sun, 22 Nov 2026
 20:00:00 +0000
From: "User ${number % userCount}, Sales" <${from}>
To: "User ${to} (Ops)" <u${to}@${innerDomain}>,
	=?utf-8?Q?J=C3=B6rg_Partner?= <${rcptTo(number)}>
Cc: U${cc} <u${cc}@${innerDomain}>, someone@other.example
Reply-To: "User ${number % userCount}" <${from}>
Subject: =?utf-8?Q?Angebot_f=C3=BCr?= ${run} ${number}
Thread-Topic: ${run} ${number}
Thread-Index: AdkP0r7m2rJ3v3uYTQ2b0C2l3mJmZA==
Date: Sun, 22 Nov 2026 20:00:00 +0000
Message-ID: <${run}.${number}@AM0PR05MB1234.eurprd05.prod.outlook.example>
Accept-Language: de-DE, en-US
Content-Language: en-US
X-MS-Has-Attach:
X-MS-TNEF-Correlator:
x-ms-publictraffictype: Email
x-ms-office365-filtering-correlation-id: 3d6f2a0e-5b1c-4c8e-9f6b-08dbe9a1b2c3
x-ms-exchange-senderadcheck: 1
X-MS-Exchange-CrossTenant-Id: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0
MIME-Version: 1.0
${contentFields(size)}

`)
}

const contentFields = (size: Size): string =>
  size === '4k'
    ? 'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable'
    : 'Content-Type: multipart/mixed;\n\tboundary="=_mixed_bench"'

/** Text for the small size, else text, HTML and a picture; no line begins with a dot, and the last one has its end. */
export function body(size: Size): Buffer {
  const random = makeRandom(bytes[size])
  const room = bytes[size] - headerBytes
  if (size === '4k') return Buffer.from(crlf(paragraphs(room, random)), 'latin1')
  const before = beforePicture(random)
  const after = '\n--=_mixed_bench--\n'
  const picture = base64Lines(room - before.length - after.length, random)
  return Buffer.from(crlf(before + picture + after), 'latin1')
}

function beforePicture(random: () => number): string {
  const part = (type: string, text: string): string =>
    `--=_alt_bench\nContent-Type: ${type}; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n${text}\n`
  return `--=_mixed_bench
Content-Type: multipart/alternative; boundary="=_alt_bench"

${part('text/plain', paragraphs(2500, random))}${part('text/html', `<html><body>\n${paragraphs(9000, random)}</body></html>\n`)}--=_alt_bench--

--=_mixed_bench
Content-Type: image/png; name="chart.png"
Content-Disposition: attachment; filename="chart.png"
Content-Transfer-Encoding: base64

`
}

const words =
  'lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod tempor invidunt ut labore magna'.split(
    ' ',
  )

function paragraphs(length: number, random: () => number): string {
  const lines: string[] = []
  for (let written = 0; written < length; written += (lines.at(-1)?.length ?? 0) + 2) {
    let line = ''
    while (line.length < 60) line += `${words[Math.floor(random() * words.length)]} `
    lines.push(line.trimEnd() + (random() < 0.1 ? ' =C3=A9t=C3=A9' : ''))
  }
  return `${lines.join('\n')}\n`
}

function base64Lines(length: number, random: () => number): string {
  const raw = Buffer.from(Array.from({ length: Math.floor((length / 78) * 57) }, () => Math.floor(random() * 256)))
  return `${raw.toString('base64').replace(/.{76}/g, '$&\n')}\n`
}

/** The same numbers in every run. */
function makeRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const crlf = (text: string): string => text.replaceAll('\n', '\r\n')
