/** How things stand: what an operator should look at, in sentences that say what to do. */
import { z } from 'zod'
import { expiring } from '../project/project.ts'
import type { LaneFigures, ReleaseOrder } from '../queue/queue.ts'
import { imbalance } from '../relay/record/record.ts'
import { queuePart } from '../relay/relay.ts'
import { type AttemptsSummary, summaryOf } from './attempts.ts'
import type { Desk } from './desk.ts'
import { addsUp } from './queue.ts'
import { recipientsText } from './queue-count.ts'
import { seconds } from './queue-item.ts'
import { heldOf, stuckFor } from './release.ts'
import { span } from './time.ts'

export const warningSchema = z.object({
  about: z.string().describe('A domain, a next hop, the disk'),
  text: z.string(),
  advice: z.string(),
})
export type Warning = z.infer<typeof warningSchema>

export type Standing = {
  readonly lanes: readonly LaneFigures[]
  /** Of each domain that somebody was asked to come back to. */
  readonly attempts: readonly { readonly domain: string; readonly summary: AttemptsSummary }[]
  readonly warnings: readonly Warning[]
}

/** Whoever asks more often is told what was found last: looking costs the queue some work. */
const freshMs = 5000

export function makeStanding(desk: Desk): () => Promise<Standing> {
  const attempts = makeAttempts(desk)
  let last: { readonly at: number; readonly found: Promise<Standing> } | undefined
  return () => {
    const now = desk.queue.now()
    if (last === undefined || now - last.at > freshMs) last = { at: now, found: look(desk, attempts).catch(unknown) }
    return last.found
  }
}

const unknown = (error: unknown): Standing => ({
  lanes: [],
  attempts: [],
  warnings: [
    {
      about: 'queue',
      text: `the queue does not answer: ${error instanceof Error ? error.message : String(error)}`,
      advice: 'look at the disk of the data folder and at the log',
    },
  ],
})

async function look(desk: Desk, attemptsSoFar: () => Promise<Standing['attempts']>): Promise<Standing> {
  const lanes = await desk.queue.lanes()
  const attempts = await attemptsSoFar()
  const warnings = [
    ...diskWarnings(desk),
    ...fullWarnings(desk),
    ...accountWarnings(desk),
    ...certificateWarnings(desk),
    ...lanes.flatMap((lane) => laneWarnings(desk, lane)),
    ...(await heldWarnings(desk)),
    ...attempts.flatMap(({ domain, summary }) => attemptWarnings(domain, summary)),
    ...ledgerWarnings(desk),
  ]
  return { lanes, attempts, warnings }
}

function diskWarnings({ disk }: Desk): readonly Warning[] {
  if (!disk.isLow) return []
  const advice =
    'make room on the file system of the data folder; new mail is answered 452 until then, and what is there goes on'
  return [{ about: 'disk', text: disk.why, advice }]
}

/** A large domain on hold for a day fills the queue: its operator must know before new mail is asked to wait. */
const nearlyFull = 0.8

function fullWarnings({ queue: { figures } }: Desk): readonly Warning[] {
  const part = queuePart(figures)
  if (part < nearlyFull) return []
  const text = `the queue holds ${figures.messages} messages of ${figures.bytes} bytes, ${Math.floor(part * 100)} % of what it may: when it is full new mail is answered 452`
  return [{ about: 'queue', text, advice: 'let go what is held, or drop it: causeway queue says where it is' }]
}

function certificateWarnings(desk: Desk): readonly Warning[] {
  const project = desk.live.current()
  if (project === undefined) return []
  return expiring(project, desk.now()).map(({ place, text, advice }) => ({ about: place, text, advice }))
}

/** The one that must never come. */
function accountWarnings(desk: Desk): readonly Warning[] {
  const off = imbalance(desk.figures().account)
  if (off === 0 && addsUp(desk.queue.figures)) return []
  const text = `the counts of recipients do not add up (${off}): a message may be lost, or counted twice`
  return [{ about: 'account', text, advice: 'keep a copy of queue.db and trace.db and report it' }]
}

function laneWarnings(desk: Desk, { lane, trouble, waiting, oldestAt }: LaneFigures): readonly Warning[] {
  if (waiting === 0) return []
  const again = `causeway queue retry --lane ${lane}`
  if (trouble === 'operator') {
    const text = `the setup at ${lane} must be mended: ${recipientsText(waiting)} waiting`
    return [
      { about: lane, text, advice: `its last words: causeway queue list --lane ${lane}; mend it, then: ${again}` },
    ]
  }
  const warnAfterMs = desk.live.current()?.policy.warnAfterMs ?? Infinity
  if (trouble === undefined || desk.queue.now() - oldestAt < warnAfterMs) return []
  const text = `${lane} is behind: ${recipientsText(waiting)} waiting, the oldest for ${span(seconds(desk.queue.now() - oldestAt))}`
  return [{ about: lane, text, advice: `look at its last words: causeway queue list --lane ${lane}` }]
}

async function heldWarnings(desk: Desk): Promise<readonly Warning[]> {
  if (desk.queue.figures.held === 0) return []
  return [...(await forgottenWarnings(desk)), ...(await orphanWarnings(desk)), ...(await untoldWarnings(desk))]
}

/** By an index: monitoring asks often, and while a domain is on hold there may be a million beside them. */
async function heldText(desk: Desk, cause: 'tenant' | 'refused' | 'expired'): Promise<string | undefined> {
  const count = await desk.queue.heldFor(cause, mostCounted + 1)
  return count === 0 ? undefined : recipientsText(Math.min(count, mostCounted), count > mostCounted)
}

const mostCounted = 10_000

/** It never grows too old, so nobody else would speak of it. */
async function orphanWarnings(desk: Desk): Promise<readonly Warning[]> {
  const held = await heldText(desk, 'tenant')
  if (held === undefined) return []
  const text = `${held} held: the project does not have the tenant that the mail came from`
  const advice = 'add the tenant again and it goes by itself; or: causeway queue list --cause tenant, and drop it'
  return [{ about: 'queue', text, advice }]
}

/** Mail that is held because of its domain, and goes by itself neither now nor later. */
async function forgottenWarnings(desk: Desk): Promise<readonly Warning[]> {
  const orders = new Map((await desk.queue.releaseOrders()).map((order) => [order.domain, order]))
  const warnings: Warning[] = []
  for (const name of (await desk.queue.domains()).held) {
    const why = whyForgotten(desk, name, orders.get(name))
    if (why === undefined) continue
    const held = await heldOf(desk, name)
    const text = `${name} ${why.text}, with ${recipientsText(held.recipients, held.isAtLeast)} still held`
    warnings.push({ about: name, text, advice: why.advice })
  }
  return warnings
}

function whyForgotten(desk: Desk, name: string, order: ReleaseOrder | undefined) {
  const release = `causeway domain release ${name}`
  if (order !== undefined) {
    const stuck = stuckFor(order, desk.queue.now())
    if (stuck === undefined) return undefined
    const text = `is being released, but nothing went for ${Math.floor(stuck / 60_000)} minutes`
    return { text, advice: `${release} --status says why` }
  }
  const served = desk.live.current()?.domains.find((domain) => domain.name === name)
  if (served === undefined) return { text: 'is no longer in the project', advice: `${release}, or drop it` }
  return served.mode === 'open' ? { text: 'is open', advice: release } : undefined
}

async function untoldWarnings(desk: Desk): Promise<readonly Warning[]> {
  const warnings: Warning[] = []
  for (const cause of ['refused', 'expired'] as const) {
    const held = await heldText(desk, cause)
    if (held === undefined) continue
    const text = `${held} ${cause}, and nobody may be told: held for a person to decide`
    warnings.push({
      about: 'queue',
      text,
      advice: `causeway queue list --state held --cause ${cause}; then release or drop`,
    })
  }
  return warnings
}

/** A ledger that strangers have filled takes seconds to read, and monitoring asks four times a minute: it rests so many times as long. */
const restFactor = 20
const quickMs = 250

function makeAttempts(desk: Desk): () => Promise<Standing['attempts']> {
  let restUntil = 0
  let found: Standing['attempts'] = []
  return async () => {
    const begin = performance.now()
    if (begin < restUntil) return found
    found = await attemptsOf(desk)
    const tookMs = performance.now() - begin
    restUntil = tookMs < quickMs ? 0 : performance.now() + restFactor * tookMs
    return found
  }
}

async function attemptsOf(desk: Desk): Promise<Standing['attempts']> {
  if (desk.queue.figures.attemptPairs === 0) return []
  const found: { domain: string; summary: AttemptsSummary }[] = []
  for (const name of (await desk.queue.domains()).attempted) {
    const summary = await summaryOf(desk, name)
    if (summary.pairs > 0) found.push({ domain: name, summary })
  }
  return found
}

function attemptWarnings(domain: string, { warning }: AttemptsSummary): readonly Warning[] {
  if (warning === undefined) return []
  return [{ about: domain, text: warning, advice: `causeway domain attempts ${domain}` }]
}

function ledgerWarnings({ queue }: Desk): readonly Warning[] {
  const { attemptsLeftOut } = queue.figures
  if (attemptsLeftOut === 0) return []
  const text = `${attemptsLeftOut} attempts found the ledger full: who made them is not known`
  return [{ about: 'retry-later', text, advice: 'take the domain out of retry-later: hold keeps the mail itself' }]
}
