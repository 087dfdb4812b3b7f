/** Everybody who means harm, in a process of its own: idle connections from many sources, and every form of slow client. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from './child.ts'
import { nowMs } from './figures.ts'
import { forms, play } from './siege-forms.ts'

export type Come = { readonly open: number; readonly turnedAway: number; readonly seconds: number }

export type CrowdQuestions = {
  /** So many more connections that say EHLO and nothing else, `perSource` from each address. */
  readonly idle: {
    readonly asks: { readonly port: number; readonly count: number; readonly perSource: number }
    readonly answers: Come
  }
  /** So many of each form of slow client, from now on. */
  readonly slow: { readonly asks: { readonly port: number; readonly each: number }; readonly answers: undefined }
  /** What the slow ones were told last before they were closed, and how often. */
  readonly told: {
    readonly asks: undefined
    readonly answers: { readonly [form: string]: { [words: string]: number } }
  }
  readonly leave: { readonly asks: undefined; readonly answers: undefined }
}

const idlers = new Set<Socket>()
const told: { [form: string]: { [words: string]: number } } = {}
let came = 0
let isOver = false

answerParent<CrowdQuestions>({
  idle,
  slow({ port, each }) {
    for (const [i, form] of forms.entries()) {
      const words = (told[form.name] ??= {})
      const closed = (last: string) => {
        const said = last === '' ? 'nothing' : last
        words[said] = (words[said] ?? 0) + 1
      }
      for (let n = 0; n < each; n++) play(form, port, `127.2.${i + 1}.${1 + (n % 200)}`, () => isOver, closed)
    }
    return undefined
  },
  told: () => told,
  leave() {
    isOver = true
    for (const socket of idlers) socket.destroy()
    return undefined
  },
})

/** A few hundred at a time: what is measured is the server, not the length of its queue of new connections. */
async function idle(asks: CrowdQuestions['idle']['asks']): Promise<Come> {
  const since = nowMs()
  let turnedAway = 0
  for (let done = 0; done < asks.count; ) {
    const wave = Math.min(200, asks.count - done)
    const greeted = await Promise.all(Array.from({ length: wave }, () => arrive(asks.port, asks.perSource)))
    turnedAway += greeted.filter((is) => !is).length
    done += wave
    await sleep(1)
  }
  return { open: idlers.size, turnedAway, seconds: (nowMs() - since) / 1000 }
}

/** True: it was greeted and has said EHLO. */
function arrive(port: number, perSource: number): Promise<boolean> {
  const source = Math.floor(came++ / perSource)
  const localAddress = `127.1.${Math.floor(source / 250)}.${1 + (source % 250)}`
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  return new Promise((resolve) => {
    socket.once('data', (greeting: Buffer) => {
      const isGreeted = greeting.toString('latin1').startsWith('220')
      if (isGreeted) {
        idlers.add(socket)
        socket.write('EHLO siege.example\r\n')
        socket.resume()
      } else socket.destroy()
      resolve(isGreeted)
    })
    socket.on('error', () => resolve(false))
    socket.on('close', () => {
      // Whom we have shown the door for being idle comes again.
      if (idlers.delete(socket) && !isOver) setTimeout(() => void arrive(port, perSource), 500)
      resolve(false)
    })
  })
}
