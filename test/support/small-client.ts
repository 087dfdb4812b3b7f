/** An SMTP client that sends exactly the bytes it is given, by DATA or by BDAT. It mends nothing: that is what it is for. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export type Letter = {
  readonly from: string
  readonly to: readonly string[]
  readonly raw: Buffer
  readonly via?: 'DATA' | 'BDAT'
  /** More of MAIL, such as `BODY=8BITMIME`. */
  readonly parameters?: string
  /** Of every RCPT. */
  readonly notify?: string
}
/** Code and text of the last reply, and what each recipient was told. */
export type Said = { readonly code: number; readonly text: string; readonly recipients: readonly number[] }
export type SmallClient = { send(letter: Letter): Promise<Said>; close(): void }

type Reply = { readonly code: number; readonly text: string }

/** `localAddress` is the loopback address to come from. */
export async function smallClient(port: number, localAddress = '127.0.0.1'): Promise<SmallClient> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  await once(socket, 'connect')
  const replies = readReplies(socket)
  const next = async (): Promise<Reply> => {
    const { value, done } = await replies.next()
    return done === true || value === undefined ? { code: 421, text: 'closed' } : value
  }
  const say = (line: string): Promise<Reply> => {
    socket.write(`${line}\r\n`, 'latin1')
    return next()
  }
  await next()
  await say('EHLO client.example')
  return {
    send: (letter) => transaction(letter, socket, say, next),
    close: () => socket.destroy(),
  }
}

async function transaction(
  { from, to, raw, via = 'DATA', parameters = '', notify }: Letter,
  socket: Socket,
  say: (line: string) => Promise<Reply>,
  next: () => Promise<Reply>,
): Promise<Said> {
  const mail = await say(`MAIL FROM:<${from}> ${parameters}`.trimEnd())
  if (mail.code >= 400) return { ...mail, recipients: [] }
  const told: Reply[] = []
  const asked = notify === undefined ? '' : ` NOTIFY=${notify}`
  for (const each of to) told.push(await say(`RCPT TO:<${each}>${asked}`))
  const recipients = told.map((reply) => reply.code)
  const refused = told.find((reply) => reply.code >= 400)
  if (refused !== undefined && recipients.every((code) => code >= 400)) {
    await say('RSET')
    return { ...refused, recipients }
  }
  if (via === 'BDAT') socket.write(Buffer.concat([Buffer.from(`BDAT ${raw.length} LAST\r\n`), raw]))
  else if ((await say('DATA')).code === 354) socket.write(stuffed(raw))
  return { ...(await next()), recipients }
}

/** RFC 5321 section 4.5.2, and the line end that the last line may lack. */
function stuffed(raw: Buffer): Buffer {
  const text = raw.toString('latin1').replaceAll(/(^|\r\n)\./g, '$1..')
  return Buffer.from(`${text}${text === '' || text.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1')
}

async function* readReplies(socket: Socket): AsyncGenerator<Reply> {
  let held = ''
  let lines: string[] = []
  for await (const chunk of socket) {
    held += String(chunk)
    for (let end = held.indexOf('\r\n'); end >= 0; end = held.indexOf('\r\n')) {
      const line = held.slice(0, end)
      held = held.slice(end + 2)
      lines.push(line.slice(4))
      if (line[3] === '-') continue
      yield { code: Number(line.slice(0, 3)), text: lines.join('\n') }
      lines = []
    }
  }
}
