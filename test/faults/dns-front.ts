/** Stands before the name server of F14, and spoils what is asked about some names, until it is mended. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'

export type Front = { readonly port: number; mend(): void; close(): void }

/** What becomes of an answer; the names are first labels of domains. */
const spoilers: { readonly [name: string]: (answer: Buffer) => void } = {
  garbage: (answer) => answer.fill(0xee, 2),
  badid: (answer) => answer.writeUInt16BE((answer.readUInt16BE(0) + 1) & 0xffff, 0),
}
/** This one is answered so late that nobody waits any more; that one over TCP not at all. */
const [late, withoutTcp] = ['slow', 'tcpfail']
const lateMs = 8000

export async function startFront(port: number, to: number): Promise<Front> {
  const state = { isMended: false }
  const streams = overTcp(to, state)
  streams.listen(port, '127.0.0.1')
  await once(streams, 'listening')
  const front = createSocket('udp4')
  front.on('message', (question, from) => pass(front, question, from, to, state))
  try {
    front.bind(port, '127.0.0.1')
    await once(front, 'listening')
  } catch (error) {
    streams.close()
    throw error
  }
  return {
    port,
    mend() {
      state.isMended = true
    },
    close() {
      front.close()
      streams.close()
    },
  }
}

type State = { readonly isMended: boolean }

/** A label as it stands in a question (RFC 1035 section 3.1). */
const asks = (question: Buffer, name: string): boolean =>
  question.toString('latin1').includes(`${String.fromCharCode(name.length)}${name}\x07example`)

function pass(
  front: UdpSocket,
  question: Buffer,
  from: { port: number; address: string },
  to: number,
  state: State,
): void {
  const back = createSocket('udp4')
  const forgotten = setTimeout(() => back.close(), 5000).unref()
  back.once('message', (answer) => {
    clearTimeout(forgotten)
    back.close()
    if (state.isMended) return front.send(answer, from.port, from.address)
    for (const [name, spoil] of Object.entries(spoilers)) if (asks(question, name)) spoil(answer)
    const send = (): void => {
      if (!state.isMended) front.send(answer, from.port, from.address)
    }
    if (asks(question, late)) setTimeout(send, lateMs).unref()
    else send()
  })
  back.send(question, to, '127.0.0.1')
}

/** What is too long for a datagram is asked for again by TCP (RFC 7766). */
function overTcp(to: number, state: State): Server {
  return createServer((socket) => {
    const back = connect({ host: '127.0.0.1', port: to })
    socket.on('data', (question: Buffer) => {
      if (!state.isMended && asks(question, withoutTcp)) socket.resetAndDestroy()
      else back.write(question)
    })
    socket.on('error', () => back.destroy()).on('close', () => back.destroy())
    back.on('error', () => socket.destroy()).pipe(socket)
  })
}
