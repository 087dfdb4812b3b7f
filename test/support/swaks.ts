/** swaks, the client that mail administrators know. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export type SwaksOptions = {
  readonly server: { readonly host: string; readonly port: number }
  readonly from: string
  readonly to: readonly string[]
  /** A file with the whole message. */
  readonly message: string
  readonly tls?: { readonly cert?: string; readonly key?: string; readonly ca?: string; readonly serverName?: string }
  readonly ehlo?: string
  /** Further arguments. */
  readonly more?: readonly string[]
}

export type Said = {
  /** The last thing that the server said to the message or to the recipients, as one line. */
  readonly answer: string
  /** Replies to RCPT TO, in order. */
  readonly recipients: readonly string[]
  readonly transcript: string
}

export async function swaks(o: SwaksOptions): Promise<Said> {
  const child = spawn('swaks', argumentsOf(o), { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  await once(child, 'close')
  const transcript = Buffer.concat(said).toString('latin1')
  const replies = dialogue(transcript)
  const recipients = replies.filter(({ to }) => to.startsWith('RCPT TO')).map(({ answer }) => answer)
  const last = replies.findLast(({ to }) => to !== 'QUIT')
  return { answer: last?.answer ?? '', recipients, transcript }
}

function argumentsOf({ server, from, to, message, tls, ehlo, more = [] }: SwaksOptions): string[] {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['--tls-cert', tls?.cert],
    ['--tls-key', tls?.key],
    ['--tls-ca-path', tls?.ca],
    ['--tls-sni', tls?.serverName],
  ]
  return [
    ...['--server', server.host, '--port', `${server.port}`, '--from', from, '--to', to.join(',')],
    ...['--ehlo', ehlo ?? 'client.example', '--data', `@${message}`, '--timeout', '60'],
    ...(tls === undefined ? [] : ['--tls']),
    ...given.flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
    ...more,
  ]
}

/** Each thing said with its reply. swaks marks what it says with ` -> ` or ` ~> `, replies with `<`, refusals with `<**`. */
function dialogue(transcript: string): { readonly to: string; readonly answer: string }[] {
  const talk: { to: string; answer: string }[] = []
  let said = ''
  for (const line of transcript.split('\n')) {
    const ours = /^ (?:->|~>) ?(.*)$/.exec(line)
    if (ours !== null) said = ours[1] ?? ''
    const theirs = /^<(?:-|~|\*\*|~\*) +(\d{3})( .*|-.*)?$/.exec(line)
    if (theirs !== null && !(theirs[2] ?? '').startsWith('-')) {
      talk.push({ to: said, answer: `${theirs[1]}${theirs[2] ?? ''}`.trim() })
    }
  }
  return talk
}
