/** A next hop that keeps what it was told and what it got, byte for byte. */
import { type PeerOptions, startPeer, type Talk } from '../support/scripted-smtp.ts'

export type Arrival = {
  readonly at: string
  /** As written after MAIL FROM: and RCPT TO:, with brackets and parameters. */
  readonly from: string
  readonly to: readonly string[]
  /** As on the wire, dots still doubled. */
  readonly raw: string
}

export type Sink = {
  readonly name: string
  readonly port: number
  readonly arrivals: readonly Arrival[]
  /** Everything that was said to it, connection by connection. */
  readonly lines: readonly string[]
  close(): Promise<void>
}

type Envelope = { from: string; to: string[] }

/** `on` may answer a line itself, as in `PeerOptions`. */
export async function startSink(name: string, o: PeerOptions = {}): Promise<Sink> {
  const arrivals: Arrival[] = []
  const envelopes = new Map<number, Envelope>()
  let messages: readonly Buffer[] = []
  const on = (line: string, talk: Talk): boolean => {
    const envelope = envelopes.get(talk.connection) ?? { from: '', to: [] }
    envelopes.set(talk.connection, envelope)
    if (/^MAIL FROM:/i.test(line)) Object.assign(envelope, { from: line.slice(10), to: [] })
    if (/^RCPT TO:/i.test(line)) envelope.to.push(line.slice(8))
    if (line === '.') {
      const raw = messages.at(-1)?.toString('latin1') ?? ''
      arrivals.push({ at: name, from: envelope.from, to: [...envelope.to], raw })
    }
    return o.on?.(line, talk) ?? false
  }
  const peer = await startPeer({ ...o, on })
  messages = peer.messages
  return { name, port: peer.port, arrivals, lines: peer.lines, close: () => peer.close() }
}
