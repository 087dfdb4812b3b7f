/**
 * A transcript is a text file; dropped into this folder it is a test. Lines:
 *
 *   # comment                    the first ones say why the file exists
 *   C: EHLO client.example       sent with CRLF
 *   C+: MAIL FROM:<a@x.example>  the same, but held back and sent in one write with the next line that is sent
 *   C~: RSE\x00\n                sent as written: \r \n \t \\ \xHH, `{x*70000}` repeats; no line end is added
 *   S: 250*                      one reply line, whole; * stands for any text
 *   .hello                       EHLO client.example and all of its 250
 *   .tls [NAME]                  handshake over the open connection; NAME is the SNI
 *   .half-close                  the client will send no more
 *   .closed                      the server closes, and has nothing left to say
 *   .quiet 30                    for so many milliseconds nothing comes
 *   .got DATA a@x -> b@y, c@y: body\r\n    what the backend was given since the last .got; escapes as in C~
 *   .got nothing
 *   .refused too many*           the oldest refusal of the engine that no line has spoken of yet
 *
 * and at the top, before anything is sent:
 *
 *   .limit recipients=2          one of `Limits`
 *   .listener implicit-tls | no-tls | refuse-bare-line-ends
 *   .backend STEP [ADDRESS] REPLY     STEP: connect, mail, rcpt or message; REPLY: `550 5.1.1 text` or `throws`; * in ADDRESS
 */
export type Answer = { readonly step: string; readonly address: string; readonly reply: string }

export type Step =
  | { readonly kind: 'send'; readonly bytes: Buffer; readonly wait: boolean }
  | { readonly kind: 'expect'; readonly pattern: string }
  | { readonly kind: 'tls'; readonly name: string }
  | { readonly kind: 'hello' | 'half-close' | 'closed' }
  | { readonly kind: 'quiet'; readonly ms: number }
  | { readonly kind: 'got'; readonly message: string }
  | { readonly kind: 'refused'; readonly pattern: string }

export type Transcript = {
  readonly limits: Readonly<Record<string, number>>
  readonly listener: ReadonlySet<string>
  readonly answers: readonly Answer[]
  readonly steps: readonly (Step & { readonly line: number })[]
}

export function parseTranscript(text: string): Transcript {
  const limits: Record<string, number> = {}
  const listener = new Set<string>()
  const answers: Answer[] = []
  const steps: (Step & { readonly line: number })[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [head, rest] = cut(line)
    if (head === '.limit') limits[rest.split('=')[0] ?? ''] = Number(rest.split('=')[1])
    else if (head === '.listener') listener.add(rest)
    else if (head === '.backend') answers.push(backendAnswer(rest))
    else steps.push({ ...step(head, rest), line: index + 1 })
  }
  return { limits, listener, answers, steps }
}

/** The first word, and what stands behind one blank. */
function cut(line: string): [string, string] {
  const blank = line.indexOf(' ')
  return blank < 0 ? [line, ''] : [line.slice(0, blank), line.slice(blank + 1)]
}

function backendAnswer(text: string): Answer {
  const shape = /^(connect|mail|rcpt|message) (?:([^ ]*[@*<][^ ]*) )?(throws|[2-5][0-9]{2} .*)$/.exec(text)
  if (shape === null) throw new Error(`not an answer of the backend: ${text}`)
  return { step: shape[1] ?? '', address: shape[2] ?? '*', reply: shape[3] ?? '' }
}

function step(head: string, rest: string): Step {
  switch (head) {
    case 'C:':
      return { kind: 'send', bytes: Buffer.from(`${rest}\r\n`), wait: false }
    case 'C+:':
      return { kind: 'send', bytes: Buffer.from(`${rest}\r\n`), wait: true }
    case 'C~:':
      return { kind: 'send', bytes: Buffer.from(unescaped(rest), 'latin1'), wait: false }
    case 'S:':
      return { kind: 'expect', pattern: rest }
    case '.tls':
      return { kind: 'tls', name: rest }
    case '.hello':
      return { kind: 'hello' }
    case '.half-close':
      return { kind: 'half-close' }
    case '.closed':
      return { kind: 'closed' }
    case '.quiet':
      return { kind: 'quiet', ms: Number(rest) }
    case '.got':
      return { kind: 'got', message: unescaped(rest) }
    case '.refused':
      return { kind: 'refused', pattern: rest }
    default:
      throw new Error(`a line that means nothing: ${head} ${rest}`)
  }
}

const named: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '\\': '\\' }

/** A binary string. */
function unescaped(text: string): string {
  const repeated = text.replace(/\{(.+?)\*([0-9]+)\}/g, (_, what: string, times: string) => what.repeat(Number(times)))
  return repeated.replace(/\\(?:x([0-9a-f]{2})|([rnt\\]))/gi, (_, hex: string | undefined, name: string) =>
    hex === undefined ? (named[name] ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
