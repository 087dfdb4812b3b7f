/** Good senders, in a process of its own: each message by a connection of its own, one after another, timed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from './child.ts'
import { nowMs, percentile } from './figures.ts'
import { head } from './letter.ts'
import { connect } from './smtp-client.ts'

export type Sender = {
  readonly port: number
  readonly run: string
  readonly localAddress: string
  readonly mailFrom: string
  readonly rcptTo: string
  readonly seconds: number
  /** The message's number: the next hop counts them. */
  readonly firstNumber: number
  /** Of the body; lines of this text. */
  readonly line: string
  readonly bodyBytes: number
}

export type Served = {
  readonly accepted: number
  readonly errors: { readonly [what: string]: number }
  /** Connecting until EHLO is answered. */
  readonly greetedP50Ms: number
  readonly greetedP95Ms: number
  /** Connecting until the message is taken. */
  readonly p50Ms: number
  readonly p95Ms: number
  readonly maxMs: number
}

export type SenderQuestions = { readonly send: { readonly asks: Sender; readonly answers: Served } }

answerParent<SenderQuestions>({ send })

async function send(o: Sender): Promise<Served> {
  const until = nowMs() + o.seconds * 1000
  const greeted: number[] = []
  const took: number[] = []
  const errors: { [what: string]: number } = {}
  const body = Buffer.from(`${o.line}\r\n`.repeat(Math.ceil(o.bodyBytes / (o.line.length + 2))), 'latin1')
  for (let number = o.firstNumber; nowMs() < until; number++) {
    const since = nowMs()
    try {
      const client = await connect(o.port, undefined, o.localAddress)
      greeted.push(nowMs() - since)
      await client.send({ mailFrom: o.mailFrom, rcptTo: o.rcptTo, head: head('4k', o.run, number), body })
      took.push(nowMs() - since)
      await client.quit()
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error)
      errors[what] = (errors[what] ?? 0) + 1
    }
    await sleep(20)
  }
  return {
    accepted: took.length,
    errors,
    greetedP50Ms: percentile(greeted, 0.5),
    greetedP95Ms: percentile(greeted, 0.95),
    p50Ms: percentile(took, 0.5),
    p95Ms: percentile(took, 0.95),
    maxMs: percentile(took, 1),
  }
}
