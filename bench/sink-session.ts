/** One connection to the next hop: the least of SMTP that Postfix and Causeway need, on raw sockets. */
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { mark } from './letter.ts'

export type Arrived = {
  readonly mailFrom: string
  readonly rcptTo: readonly string[]
  /** What stands behind the mark of the benchmark. */
  readonly mark: string
  /** The message as it went over the wire with the final dot, as a binary string; samples only. */
  readonly raw?: string
}

export type Reception = { readonly wantsSample: () => boolean; readonly arrived: (message: Arrived) => void }

const endOfData = Buffer.from('\r\n.\r\n')

type Session = {
  socket: Socket
  readonly context: SecureContext | undefined
  readonly reception: Reception
  unread: string
  mailFrom: string
  rcptTo: string[]
  data: Data | undefined
}

/** A message while it comes in. */
type Data = {
  /** Its beginning, until the mark was found. */
  beginning: Buffer
  mark: string | undefined
  /** The last bytes before the next chunk: the end may lie across two. */
  tail: Buffer
  readonly chunks: Buffer[] | undefined
}

export function serveConnection(socket: Socket, context: SecureContext | undefined, reception: Reception): void {
  const session: Session = { socket, context, reception, unread: '', mailFrom: '', rcptTo: [], data: undefined }
  listenTo(session, socket)
  socket.on('error', () => socket.destroy())
  answer(session, '220 sink.example ESMTP')
}

function listenTo(session: Session, socket: Socket): void {
  session.socket = socket
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk
    while (rest.length > 0) rest = session.data === undefined ? readLines(session, rest) : readData(session, rest)
  })
}

const answer = (session: Session, lines: string): void => void session.socket.write(`${lines}\r\n`, 'latin1')

/** Up to DATA or the end of the chunk; what is left is returned. */
function readLines(session: Session, chunk: Buffer): Buffer {
  let from = 0
  while (session.data === undefined && from < chunk.length) {
    const end = chunk.indexOf(10, from)
    const stop = end < 0 ? chunk.length : end + 1
    session.unread += chunk.toString('latin1', from, stop)
    from = stop
    if (end >= 0) {
      const line = session.unread.trimEnd()
      session.unread = ''
      obey(session, line)
    }
  }
  return chunk.subarray(from)
}

function obey(session: Session, line: string): void {
  switch (line.slice(0, 4).toUpperCase()) {
    case 'EHLO':
      return answer(session, offers(session))
    case 'HELO':
      return answer(session, '250 sink.example')
    case 'STAR':
      return startTls(session)
    case 'MAIL':
      session.mailFrom = inAngles(line)
      return answer(session, '250 2.1.0 Ok')
    case 'RCPT':
      session.rcptTo.push(inAngles(line))
      return answer(session, '250 2.1.5 Ok')
    case 'DATA':
      session.data = beginData(session.reception)
      return answer(session, '354 go ahead')
    case 'RSET':
    case 'NOOP':
      return answer(session, '250 2.0.0 Ok')
    case 'QUIT':
      answer(session, '221 2.0.0 bye')
      return void session.socket.end()
    default:
      return answer(session, '500 5.5.2 not understood')
  }
}

function offers({ context, socket }: Session): string {
  const startTlsLine = context === undefined || socket instanceof TLSSocket ? '' : '250-STARTTLS\r\n'
  return `250-sink.example\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n${startTlsLine}250-ENHANCEDSTATUSCODES\r\n250 8BITMIME`
}

function startTls(session: Session): void {
  const { socket, context } = session
  if (context === undefined) return answer(session, '502 5.5.1 no TLS here')
  answer(session, '220 2.0.0 go ahead')
  socket.removeAllListeners('data')
  const secure = new TLSSocket(socket, { isServer: true, secureContext: context })
  secure.on('error', () => socket.destroy())
  listenTo(session, secure)
}

const inAngles = (line: string): string => /<([^>]*)>/.exec(line)?.[1] ?? ''

function beginData(reception: Reception): Data {
  return {
    beginning: Buffer.from('\r\n'),
    mark: undefined,
    tail: Buffer.from('\r\n'),
    chunks: reception.wantsSample() ? [] : undefined,
  }
}

/** Up to the final dot or the end of the chunk; what is left is returned. */
function readData(session: Session, chunk: Buffer): Buffer {
  const { data } = session
  if (data === undefined) return chunk
  const end = endIn(data.tail, chunk)
  const part = end === undefined ? chunk : chunk.subarray(0, end)
  if (data.mark === undefined) findMark(data, part)
  data.chunks?.push(Buffer.from(part))
  if (end === undefined) {
    data.tail = Buffer.concat([data.tail, chunk.subarray(-4)]).subarray(-4)
    return Buffer.alloc(0)
  }
  finish(session, data)
  return chunk.subarray(end)
}

/** Where in the chunk the message is over, the final dot counted; undefined: not yet. */
function endIn(tail: Buffer, chunk: Buffer): number | undefined {
  const seam = Buffer.concat([tail, chunk.subarray(0, 4)]).indexOf(endOfData)
  if (seam >= 0) return seam + endOfData.length - tail.length
  const at = chunk.indexOf(endOfData)
  return at < 0 ? undefined : at + endOfData.length
}

function findMark(data: Data, part: Buffer): void {
  data.beginning = Buffer.concat([data.beginning, part])
  const at = data.beginning.indexOf(`\r\n${mark}: `)
  const end = at < 0 ? -1 : data.beginning.indexOf('\r\n', at + 2)
  if (end < 0) return
  data.mark = data.beginning.toString('latin1', at + mark.length + 4, end)
  data.beginning = Buffer.alloc(0)
}

function finish(session: Session, data: Data): void {
  const { mailFrom, rcptTo, reception } = session
  session.data = undefined
  session.mailFrom = ''
  session.rcptTo = []
  const raw = data.chunks === undefined ? {} : { raw: Buffer.concat(data.chunks).toString('latin1') }
  reception.arrived({ mailFrom, rcptTo, mark: data.mark ?? '', ...raw })
  answer(session, '250 2.0.0 Ok: taken')
}
