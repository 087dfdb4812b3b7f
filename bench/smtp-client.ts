/** The client of the load generator: raw sockets, pipelining, nothing that would cost more than what it measures. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'

const patienceMs = 30_000

export type Letter = {
  readonly mailFrom: string
  readonly rcptTo: string
  /** Dot-stuffed where needed, ending with a line end. */
  readonly head: string
  readonly body: Buffer
}

export type SmtpClient = {
  /** Resolves at the 250 after the final dot; any other answer rejects. */
  send(letter: Letter): Promise<void>
  quit(): Promise<void>
  destroy(): void
}

/** Connects and greets; with a context also STARTTLS, verified. */
export async function connect(
  port: number,
  context: SecureContext | undefined,
  localAddress = '127.0.0.1',
): Promise<SmtpClient> {
  const tcp = connectTcp({ host: '127.0.0.1', port, noDelay: true, localAddress })
  const plain = makeTalk(tcp)
  await plain.reply('220')
  await plain.command('EHLO load.example', '250')
  if (context === undefined) return makeClient(plain)
  await plain.command('STARTTLS', '220')
  plain.release()
  tcp.setTimeout(0)
  const secure = connectTls({ socket: tcp, secureContext: context, servername: 'localhost' })
  const talk = makeTalk(secure)
  await Promise.race([once(secure, 'secureConnect'), talk.ended])
  await talk.command('EHLO load.example', '250')
  return makeClient(talk)
}

function makeClient(talk: Talk): SmtpClient {
  return {
    async send({ mailFrom, rcptTo, head, body }) {
      const envelope = Promise.all([talk.reply('250'), talk.reply('250'), talk.reply('354')])
      // RFC 1870: who knows the size says it, as real senders do; every server here offers SIZE.
      const size = head.length + body.length
      talk.socket.write(`MAIL FROM:<${mailFrom}> SIZE=${size}\r\nRCPT TO:<${rcptTo}>\r\nDATA\r\n`, 'latin1')
      await envelope
      const taken = talk.reply('250')
      talk.socket.cork()
      talk.socket.write(head, 'latin1')
      talk.socket.write(body)
      talk.socket.write('.\r\n', 'latin1')
      talk.socket.uncork()
      await taken
    },
    async quit() {
      await talk.command('QUIT', '221')
      talk.socket.destroy()
    },
    destroy: () => talk.socket.destroy(),
  }
}

type Talk = {
  readonly socket: Socket
  /** The next reply; one with another code rejects. Call it before writing what is replied to. */
  reply(code: string): Promise<void>
  command(line: string, code: string): Promise<void>
  /** Rejects when the connection ends. */
  readonly ended: Promise<never>
  /** Reads no further, so that TLS can. */
  release(): void
}

type Waiting = { readonly code: string; readonly got: PromiseWithResolvers<void> }

function makeTalk(socket: Socket): Talk {
  const waiting: Waiting[] = []
  const ending = Promise.withResolvers<never>()
  ending.promise.catch(() => {})
  let unread = ''
  let ended: Error | undefined
  const end = (error = new Error('the server closed the connection')): void => {
    ended ??= error
    ending.reject(ended)
    for (const one of waiting.splice(0)) one.got.reject(ended)
  }
  const onData = (chunk: Buffer): void => {
    unread += chunk.toString('latin1')
    const lines = unread.split('\r\n')
    unread = lines.pop() ?? ''
    // The last line of a reply has a space after the code (RFC 5321 section 4.2.1).
    for (const line of lines.filter((each) => each[3] !== '-')) take(waiting.shift(), line, end)
  }
  const onClose = (): void => end()
  socket.on('data', onData).on('error', end).on('close', onClose)
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer in time')))
  const reply = (code: string): Promise<void> => {
    const got = Promise.withResolvers<void>()
    if (ended === undefined) waiting.push({ code, got })
    else got.reject(ended)
    return got.promise
  }
  return {
    socket,
    ended: ending.promise,
    reply,
    command(line, code) {
      const got = reply(code)
      socket.write(`${line}\r\n`, 'latin1')
      return got
    },
    release: () => void socket.off('data', onData).off('close', onClose),
  }
}

function take(waiting: Waiting | undefined, line: string, end: (error: Error) => void): void {
  if (waiting === undefined) end(new Error(`unasked: ${line}`))
  else if (line.startsWith(waiting.code)) waiting.got.resolve()
  else waiting.got.reject(new Error(line))
}
