/** The load generator, a process of its own: sends for some seconds by some connections, and says what was accepted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import { answerParent } from './child.ts'
import { nowMs, percentile } from './figures.ts'
import { body, head, mailFrom, rcptTo } from './letter.ts'
import { connect, type SmtpClient } from './smtp-client.ts'
import type { Size } from './work.ts'

export type Load = {
  readonly port: number
  readonly run: string
  readonly size: Size
  readonly connections: number
  readonly isNewEach: boolean
  /** Authorities for STARTTLS; none: plain. */
  readonly ca: string | undefined
  readonly seconds: number
}

export type Sent = {
  /** Numbers of the messages that were answered 250. */
  readonly accepted: readonly number[]
  /** What went wrong, and how often. */
  readonly errors: { readonly [what: string]: number }
  readonly startedAt: number
  /** When the last 250 came. */
  readonly lastAt: number
  /** MAIL to 250; with a connection for each message from its beginning. */
  readonly p50Ms: number
  readonly p99Ms: number
}

export type GeneratorQuestions = { readonly load: { readonly asks: Load; readonly answers: Sent } }

answerParent<GeneratorQuestions>({ load })

type Progress = {
  readonly until: number
  next: number
  lastAt: number
  readonly accepted: number[]
  readonly tookMs: number[]
  readonly errors: { [what: string]: number }
  errorCount: number
}

/** A server that refuses everything need not be asked for ever. */
const maxErrors = 100

async function load(asked: Load): Promise<Sent> {
  const startedAt = nowMs()
  const progress: Progress = {
    until: startedAt + asked.seconds * 1000,
    next: 0,
    lastAt: startedAt,
    accepted: [],
    tookMs: [],
    errors: {},
    errorCount: 0,
  }
  const context = asked.ca === undefined ? undefined : createSecureContext({ ca: asked.ca })
  const content = body(asked.size)
  await Promise.all(Array.from({ length: asked.connections }, () => keepSending(asked, progress, context, content)))
  const { accepted, errors, tookMs, lastAt } = progress
  return { accepted, errors, startedAt, lastAt, p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99) }
}

const isTime = (progress: Progress): boolean => nowMs() < progress.until && progress.errorCount < maxErrors

async function keepSending(
  asked: Load,
  progress: Progress,
  context: SecureContext | undefined,
  content: Buffer,
): Promise<void> {
  while (isTime(progress)) {
    const startedAt = nowMs()
    let client: SmtpClient | undefined
    try {
      client = await connect(asked.port, context)
      if (asked.isNewEach) await sendOne(asked, progress, client, content, startedAt)
      else while (isTime(progress)) await sendOne(asked, progress, client, content, nowMs())
      await client.quit()
    } catch (error) {
      client?.destroy()
      progress.errorCount += 1
      const what = error instanceof Error ? error.message : String(error)
      progress.errors[what] = (progress.errors[what] ?? 0) + 1
      await sleep(20)
    }
  }
}

async function sendOne(
  { size, run }: Load,
  progress: Progress,
  client: SmtpClient,
  content: Buffer,
  startedAt: number,
): Promise<void> {
  const number = progress.next
  progress.next += 1
  const letter = { mailFrom: mailFrom(number), rcptTo: rcptTo(number), head: head(size, run, number), body: content }
  await client.send(letter)
  progress.lastAt = nowMs()
  progress.tookMs.push(progress.lastAt - startedAt)
  progress.accepted.push(number)
}
