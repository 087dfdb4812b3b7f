/** The forms of slow and useless clients. Each is one connection that does its worst until it is closed, and then comes again. */
import { connect, type Socket } from 'node:net'

export type Form = {
  readonly name: string
  /** Sent as soon as the greeting is there. */
  readonly opening: string
  /** Sent again and again, every so many milliseconds. */
  readonly more?: { readonly bytes: string; readonly everyMs: number }
  /** Reads nothing of what the server says. */
  readonly isDeaf?: boolean
}

const envelope = 'EHLO siege.example\r\nMAIL FROM:<siege@x.example>\r\n'
const known = 'RCPT TO:<u1@shared.example>\r\n'
const header = `X-Siege: ${'x'.repeat(900)}\r\n`

export const forms: readonly Form[] = [
  { name: 'connects, says nothing', opening: '' },
  { name: 'a command byte by byte', opening: 'EHLO ', more: { bytes: 'x', everyMs: 1000 } },
  { name: 'content byte by byte', opening: `${envelope}${known}DATA\r\n`, more: { bytes: 'x', everyMs: 1000 } },
  { name: 'STARTTLS, then silence', opening: 'EHLO siege.example\r\nSTARTTLS\r\n' },
  {
    name: 'STARTTLS, then one byte after another',
    opening: 'EHLO siege.example\r\nSTARTTLS\r\n',
    more: { bytes: '\x16', everyMs: 1000 },
  },
  { name: 'pipelines, never reads', opening: 'VRFY\r\n'.repeat(20_000), isDeaf: true },
  { name: 'nothing but mistakes', opening: '', more: { bytes: 'NONSENSE\r\n', everyMs: 100 } },
  {
    name: 'asks for unknown recipients',
    opening: envelope,
    more: { bytes: 'RCPT TO:<nobody@shared.example>\r\n'.repeat(5), everyMs: 200 },
  },
  {
    name: 'a header without end',
    opening: `${envelope}${known}DATA\r\n`,
    more: { bytes: header.repeat(20), everyMs: 200 },
  },
  {
    name: 'a line without end',
    opening: `${envelope}${known}DATA\r\n\r\n`,
    more: { bytes: 'x'.repeat(20_000), everyMs: 200 },
  },
]

/** Verbs that must wait for their reply are sent one by one: a client that does not wait is closed at once. */
const waits = /^(?:EHLO|STARTTLS|DATA)\b/

/** Plays the form over and over, from this address, until `isOver`. `closed` hears the last words of the server each time. */
export function play(
  form: Form,
  port: number,
  localAddress: string,
  isOver: () => boolean,
  closed: (words: string) => void,
): void {
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
  const lines = form.opening.split(/(?<=\r\n)/)
  let words = ''
  let timer: NodeJS.Timeout | undefined
  const next = () => {
    const batch = batchOf(lines)
    if (batch !== '') return void socket.write(batch, 'latin1')
    if (timer === undefined && form.more !== undefined) timer = repeat(socket, form.more)
  }
  if (form.isDeaf === true) socket.on('connect', () => void setTimeout(() => socket.write(form.opening), 100)).pause()
  else
    socket.on('data', (chunk: Buffer) => {
      words = chunk.toString('latin1').trimEnd().split('\r\n').at(-1) ?? ''
      if (words[3] === ' ') next()
    })
  socket.on('error', () => {}).on('end', () => socket.end())
  socket.on('close', () => {
    clearInterval(timer)
    closed(words)
    if (!isOver()) setTimeout(() => play(form, port, localAddress, isOver, closed), 1000)
  })
}

function batchOf(lines: string[]): string {
  const last = lines.findIndex((line) => waits.test(line))
  return lines.splice(0, last < 0 ? lines.length : last + 1).join('')
}

function repeat(socket: Socket, { bytes, everyMs }: NonNullable<Form['more']>): NodeJS.Timeout {
  return setInterval(() => {
    if (socket.writable && socket.writableLength < 1_000_000) socket.write(bytes, 'latin1')
  }, everyMs)
}
