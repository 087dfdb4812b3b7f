/** A name server on loopback that answers by a table. Not for production. */
import { createSocket } from 'node:dgram'
import { AUTHORITATIVE_ANSWER, decode, encode, type Packet, type Answer as Record } from 'dns-packet'

/** By `TYPE name`: records, an rcode, or silence. */
export type Zone = {
  readonly [question: string]: readonly Record[] | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED' | 'silence' | 'garbage'
}

const rcodes = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 }

export type NameServer = { readonly address: string; readonly asked: string[]; close(): Promise<void> }

/** A name that stands nowhere in the zone is NXDOMAIN; one that has other types has no data. */
export async function serve(zone: Zone, lateMs: { readonly [question: string]: number } = {}): Promise<NameServer> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  let isClosed = false
  socket.on('message', (bytes, from) => {
    const query = decode(bytes)
    const question = query.questions?.[0]
    const key = `${question?.type} ${question?.name.toLowerCase()}`
    asked.push(key)
    const reply = replyTo(zone, query, key)
    const send = (): void => {
      if (reply !== undefined && !isClosed) socket.send(reply, from.port, from.address)
    }
    setTimeout(send, lateMs[key] ?? 0)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  const close = (): Promise<void> => {
    isClosed = true
    return new Promise((resolve) => socket.close(() => resolve()))
  }
  return { address: `127.0.0.1:${port}`, asked, close }
}

function replyTo(zone: Zone, query: Packet, key: string): Buffer | undefined {
  const found = zone[key] ?? nothing(zone, key)
  if (found === 'silence') return undefined
  if (found === 'garbage') return Buffer.from('garbage')
  const rcode = typeof found === 'string' ? rcodes[found] : 0
  return encode({
    type: 'response',
    ...(query.id === undefined ? {} : { id: query.id }),
    ...(query.questions === undefined ? {} : { questions: query.questions }),
    flags: AUTHORITATIVE_ANSWER | rcode,
    answers: typeof found === 'string' ? [] : [...found],
  })
}

function nothing(zone: Zone, key: string): [] | 'NXDOMAIN' {
  const name = key.slice(key.indexOf(' '))
  return Object.keys(zone).some((known) => known.endsWith(name)) ? [] : 'NXDOMAIN'
}

export function record(type: 'A' | 'AAAA' | 'NS' | 'CNAME' | 'PTR', name: string, data: string, ttl = 60): Record {
  return { type, name, data, ttl }
}

export function mx(name: string, preference: number, exchange: string): Record {
  return { type: 'MX', name, data: { preference, exchange }, ttl: 60 }
}

export function txt(name: string, ...strings: readonly string[]): Record {
  return { type: 'TXT', name, data: strings.map((part) => Buffer.from(part)), ttl: 60 }
}
