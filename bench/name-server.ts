/** A name server that knows nothing and says so at once: mail from the internet is checked against names that do not exist. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { decode, encode } from 'dns-packet'

const nxdomain = 3

/** `place` is HOST:PORT, for UDP. */
export async function startNameServer(): Promise<{ readonly place: string; readonly end: () => void }> {
  const socket = createSocket('udp4')
  socket.on('message', (question, { address, port }) => {
    const asked = decode(question)
    socket.send(
      encode({ type: 'response', id: asked.id ?? 0, flags: nxdomain, questions: asked.questions ?? [] }),
      port,
      address,
    )
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { place: `127.0.0.1:${socket.address().port}`, end: () => socket.close() }
}
