/**
 * A process full of clients who will vanish: FILE says where they connect and what each says. Behind all but the last piece
 * they wait for the answer. When everybody has said his last piece, it prints a line, and waits to be killed.
 */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

export type Vanishing = {
  readonly host: string
  readonly port: number
  /** In Latin-1, which has every byte. */
  readonly talks: readonly (readonly string[])[]
}

/** The last line of a reply (RFC 5321 section 4.2.1). */
const reply = /^\d{3} [^\n]*\n$/m

async function talk({ host, port }: Vanishing, pieces: readonly string[]): Promise<void> {
  const socket = connect({ host, port, noDelay: true })
  await answer(socket)
  for (const [i, piece] of pieces.entries()) {
    await new Promise((resolve) => socket.write(piece, 'latin1', resolve))
    if (i < pieces.length - 1) await answer(socket)
  }
}

function answer(socket: Socket): Promise<void> {
  let heard = ''
  return new Promise((resolve) => {
    const listen = (chunk: Buffer): void => {
      heard += chunk.toString('latin1')
      if (!reply.test(heard)) return
      socket.off('data', listen)
      resolve()
    }
    socket.on('data', listen)
  })
}

if (import.meta.main) {
  const vanishing = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Vanishing
  await Promise.all(vanishing.talks.map((pieces) => talk(vanishing, pieces)))
  console.log('all have said it')
  setInterval(() => {}, 60_000)
}
