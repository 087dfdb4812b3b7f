/**
 * Those who send: they give each message to Causeway once and write down what they were told about each recipient. What is
 * cut before an answer is written down as such; nobody sends it again, so that every copy that arrives has one cause.
 */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger, Letter } from './ledger.ts'

export type Told = {
  /** The last word about the message; '' when the connection was cut before. */
  readonly reply: string
  /** The word about each recipient, in their order; shorter when it did not come to that. */
  readonly recipients: readonly string[]
  /** What the last word was about. */
  readonly at: 'connect' | 'MAIL' | 'RCPT' | 'DATA' | 'dot'
  readonly tookMs: number
}

export type Sender = {
  /** Sends one, and writes into the ledger what was answered. Connects when there is no connection. */
  send(letter: Letter): Promise<Told>
  close(): void
}

export type SenderOptions = {
  readonly port: number
  /** Who it is: 127.0.0.1 is a tenant, 127.0.0.2 the internet. */
  readonly localAddress?: string
  /** Longer than Causeway ever takes to answer. */
  readonly patienceMs?: number
}

export function makeSender(ledger: Ledger, o: SenderOptions): Sender {
  let line: Line | undefined
  return {
    async send(letter) {
      const from = performance.now()
      line = line?.isOpen === true ? line : undefined
      const told = await sendOne(o, letter, line, (opened) => {
        line = opened
      })
      enter(ledger, letter, told)
      return { ...told, tookMs: performance.now() - from }
    },
    close: () => line?.destroy(),
  }
}

type Words = Omit<Told, 'tookMs'>

async function sendOne(
  o: SenderOptions,
  letter: Letter,
  open: Line | undefined,
  opened: (line: Line) => void,
): Promise<Words> {
  const line = open ?? (await openLine(o))
  if (line === undefined) return { reply: '', recipients: [], at: 'connect' }
  opened(line)
  if (open === undefined) {
    const greeting = await line.reply()
    if (!greeting.startsWith('220')) return { reply: greeting, recipients: [], at: 'connect' }
    await line.ask('EHLO sender.example')
  }
  return transaction(line, letter)
}

async function transaction(line: Line, { from, to, raw }: Letter): Promise<Words> {
  const mail = await line.ask(`MAIL FROM:<${from}> SIZE=${raw.length}`)
  if (!mail.startsWith('250')) return { reply: mail, recipients: [], at: 'MAIL' }
  for (const recipient of to) line.say(`RCPT TO:<${recipient}>`)
  const recipients: string[] = []
  for (const _ of to) recipients.push(await line.reply())
  if (!recipients.some((reply) => reply.startsWith('25'))) {
    const reply = recipients.at(-1) ?? ''
    await line.ask('RSET')
    return { reply, recipients, at: 'RCPT' }
  }
  const go = await line.ask('DATA')
  if (!go.startsWith('354')) return { reply: go, recipients, at: 'DATA' }
  line.write(stuffed(raw))
  return { reply: await line.reply(), recipients, at: 'dot' }
}

function enter(ledger: Ledger, letter: Letter, { reply, recipients, at }: Words): void {
  if (reply === '') return ledger.cut(letter)
  const wasTaken = (_: string, i: number): boolean => recipients[i]?.startsWith('25') === true
  if (at === 'dot' && reply.startsWith('25')) {
    ledger.accepted(letter, letter.to.filter(wasTaken))
    ledger.refused(
      letter,
      letter.to.filter((to, i) => !wasTaken(to, i)),
    )
  } else ledger.refused(letter, letter.to)
}

/** RFC 5321 section 4.5.2. Every message of the ledger ends with a line end. */
export function stuffed(raw: Buffer): Buffer {
  const dots = count(raw)
  const wire = Buffer.allocUnsafe(raw.length + dots + final.length)
  let length = 0
  let from = 0
  const dot = (): void => void (length += wire.write('.', length))
  if (raw[0] === 46) dot()
  for (let at = raw.indexOf(lineDot); at >= 0; at = raw.indexOf(lineDot, from)) {
    length += raw.copy(wire, length, from, at + 2)
    from = at + 2
    dot()
  }
  length += raw.copy(wire, length, from)
  length += final.copy(wire, length)
  return wire.subarray(0, length)
}

/** Dots that stand first in their line. */
function count(raw: Buffer): number {
  let dots = raw[0] === 46 ? 1 : 0
  for (let at = raw.indexOf(lineDot); at >= 0; at = raw.indexOf(lineDot, at + 2)) dots += 1
  return dots
}
const lineDot = Buffer.from('\r\n.')
const final = Buffer.from('.\r\n')

type Line = {
  readonly isOpen: boolean
  say(command: string): void
  write(bytes: Buffer): void
  /** The last line of the next reply; '' when the connection is over, or patience is. */
  reply(): Promise<string>
  ask(command: string): Promise<string>
  destroy(): void
}

async function openLine({
  port,
  localAddress = '127.0.0.1',
  patienceMs = 120_000,
}: SenderOptions): Promise<Line | undefined> {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress, noDelay: true })
  try {
    await once(socket, 'connect')
  } catch {
    return undefined
  }
  return makeLine(socket, patienceMs)
}

function makeLine(socket: Socket, patienceMs: number): Line {
  const replies: string[] = []
  const waiting: ((reply: string) => void)[] = []
  let unread = ''
  let isOpen = true
  const end = (): void => {
    isOpen = false
    for (const tell of waiting.splice(0)) tell('')
  }
  socket.setTimeout(patienceMs, () => socket.destroy())
  socket.on('error', end).on('close', end).on('end', end)
  socket.on('data', (chunk: Buffer) => {
    const lines = (unread + chunk.toString('latin1')).split('\r\n')
    unread = lines.pop() ?? ''
    for (const line of lines.filter((each) => each[3] !== '-')) {
      const tell = waiting.shift()
      if (tell === undefined) replies.push(line)
      else tell(line)
    }
  })
  const reply = async (): Promise<string> => {
    const early = replies.shift()
    if (early !== undefined || !isOpen) return early ?? ''
    return new Promise((resolve) => waiting.push(resolve))
  }
  const write = (bytes: Buffer | string): void => {
    if (isOpen) socket.write(bytes, 'latin1')
  }
  return {
    get isOpen() {
      return isOpen
    },
    say: (command) => write(`${command}\r\n`),
    write,
    reply,
    ask(command) {
      write(`${command}\r\n`)
      return reply()
    },
    destroy: () => void socket.destroy(),
  }
}

export type Crowd = {
  /** How long the answers took, of those that came. */
  readonly tookMs: readonly number[]
  /** The first words of what was answered, and how often. */
  readonly answers: ReadonlyMap<string, number>
  /** Each finishes what it is at. */
  stop(): Promise<void>
  /** The same, and nobody waits for it. */
  abandon(): void
}

export type CrowdOptions = SenderOptions & {
  readonly senders: number
  /** Of each of them, so that there is no more than a machine that is busy with other things can bear. */
  readonly pauseMs?: number
  /** `n` counts all messages, `k` says which of the senders it is. */
  readonly next: (n: number, k: number) => Letter
  readonly told?: (letter: Letter, told: Told) => void
}

/** Many who send one after the other without an end. Whoever is not answered comes back a moment later. */
export function startCrowd(ledger: Ledger, o: CrowdOptions): Crowd {
  const tookMs: number[] = []
  const answers = new Map<string, number>()
  const over = new AbortController()
  let n = 0
  const one = async (_: unknown, k: number): Promise<void> => {
    const sender = makeSender(ledger, o)
    while (!over.signal.aborted) {
      const letter = o.next(n++, k)
      const told = await sender.send(letter)
      o.told?.(letter, told)
      const words = told.reply === '' ? 'cut' : `${told.at} ${told.reply.slice(0, 9)}`
      answers.set(words, (answers.get(words) ?? 0) + 1)
      if (told.reply !== '') tookMs.push(told.tookMs)
      await sleep(told.reply === '' ? 50 : (o.pauseMs ?? 0))
    }
    sender.close()
  }
  const all = Promise.all(Array.from({ length: o.senders }, one))
  return {
    tookMs,
    answers,
    async stop() {
      over.abort()
      await all
    },
    abandon: () => over.abort(),
  }
}
