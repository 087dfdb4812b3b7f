/** A message in the queue as an operator sees it: with what it waits for and what can be done. */
import { z } from 'zod'
import type { Policy } from '../project/project.ts'
import { givenUpFrom, type KeptMessage, type KeptRecipient, type Listed, waitsSince } from '../queue/queue.ts'
import { maybeUtc, timeSchema, utc } from './time.ts'

const recipientSchema = z.object({
  n: z.number().describe('Place in the message, from 0'),
  address: z.string().describe('As the sender wrote it'),
  domain: z.string(),
  lane: z.string(),
  state: z.enum(['waiting', 'held', 'running']),
  cause: z.enum(['domain', 'tenant', 'refused', 'expired', 'operator']).optional(),
  trouble: z.enum(['temporary', 'throttled', 'operator']).optional(),
  attempts: z.number(),
  lastAttempt: timeSchema.optional(),
  nextAttempt: timeSchema.optional(),
  awaitsProbe: z.boolean().optional().describe('Its next hop is in trouble: all its mail waits for the next probe'),
  reply: z.string().describe('Last words of the next hop; empty when there are none'),
  why: z.string(),
  by: z.string().optional().describe('Who did the last thing by hand'),
  advice: z.string().describe('What can be done'),
})

/** One message, with those recipients that were asked for. */
export const queueItemSchema = z.object({
  id: z.string(),
  received: timeSchema,
  ageSeconds: z.number().describe('Since it was received, or its oldest recipient here was let go from being held'),
  sender: z.string().describe('Empty is the null sender'),
  peer: z.string().describe('Where it came from: a tenant, internet, or causeway for our own reports'),
  messageId: z.string(),
  subject: z.string(),
  size: z.number().describe('Bytes'),
  warned: timeSchema.optional().describe('When its sender was told that it is late'),
  recipients: z.array(recipientSchema),
  moreRecipients: z.number().optional().describe('Further ones that were asked for and are not listed'),
})
export type QueueItem = z.infer<typeof queueItemSchema>

type View = {
  readonly now: number
  readonly policy: Policy | undefined
  /** When a next hop in trouble is asked again. */
  readonly probeAt?: (lane: string) => number | undefined
  /** Domains whose held mail is being let go. */
  readonly releasing: ReadonlySet<string>
}

export function itemOf({ message, recipients, more }: Listed, view: View): QueueItem {
  const { id, sender, peer, messageId, subject, size } = message
  return {
    id,
    received: utc(message.receivedAt),
    ageSeconds: seconds(view.now - Math.min(...recipients.map((r) => waitsSince(message, r)))),
    sender,
    peer,
    messageId,
    subject,
    size,
    ...maybeUtc('warned', message.warnedAt),
    recipients: recipients.map((recipient) => recipientOf(message, recipient, view)),
    ...(more === undefined ? {} : { moreRecipients: more }),
  }
}

export const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1000))

function recipientOf(message: KeptMessage, r: KeptRecipient, view: View): QueueItem['recipients'][number] {
  const { n, address, domain, lane, state, attempts, reply, why } = r
  return {
    n,
    address,
    domain,
    lane,
    state,
    ...(r.cause === undefined ? {} : { cause: r.cause }),
    ...(r.trouble === undefined ? {} : { trouble: r.trouble }),
    attempts,
    ...maybeUtc('lastAttempt', r.lastAt),
    ...(state === 'waiting' ? nextOf(r, view) : {}),
    reply,
    why,
    ...(r.by === undefined ? {} : { by: r.by }),
    advice: adviceOn(message, r, view),
  }
}

function nextOf({ nextAt, lane }: KeptRecipient, { now, probeAt }: View) {
  const probe = probeAt?.(lane) ?? 0
  return probe > Math.max(nextAt, now) ? { nextAttempt: utc(probe), awaitsProbe: true } : { nextAttempt: utc(nextAt) }
}

function adviceOn(message: KeptMessage, r: KeptRecipient, view: View): string {
  if (r.wish === 'return') return 'it goes back to its sender with the next step'
  switch (r.state) {
    case 'running':
      return 'an attempt goes on at this moment: look again in a minute'
    case 'held':
      return heldAdvice(message, r, view)
    case 'waiting':
      return `${waitingAdvice(r)}; ${endOf(message, r, view)}`
  }
}

function waitingAdvice(r: KeptRecipient): string {
  if (r.trouble === 'operator')
    return `nothing gets better before the setup is mended at this hop; then: causeway queue retry --lane ${r.lane}`
  if (r.trouble === 'throttled') return 'the next hop slows us down: leave it, trying more often makes it worse'
  return r.attempts === 0 ? 'it is tried as soon as it is due' : 'it is tried again by itself'
}

/** When patience ends (policy.returnAfter). What nobody may be told of is kept for a person instead. */
function endOf(message: KeptMessage, r: KeptRecipient, { policy }: View): string {
  if (policy === undefined) return 'no project is applied: causeway apply FILE'
  const end = utc(givenUpFrom(message, r, policy))
  return isTold(message)
    ? `from ${end} on it goes back to its sender`
    : `from ${end} on it is held: nobody may be told of it`
}

/** A sender whom we may write to: not the null sender, and nobody of the internet (RFC 5321 section 6.1; backscatter). */
export function isTold({ sender, peer }: Pick<KeptMessage, 'sender' | 'peer'>): boolean {
  return sender !== '' && peer !== 'internet' && peer !== 'causeway'
}

function heldAdvice(message: KeptMessage, r: KeptRecipient, { releasing }: View): string {
  const again = `causeway queue release --id ${message.id}`
  switch (r.cause) {
    case 'refused':
      return `refused for good, and nobody may be told: mend what refused it and \`${again}\`, or drop it`
    case 'expired':
      return `too old to be tried by itself, and nobody may be told: \`${again}\` tries again, or drop it`
    case 'tenant':
      return 'the project does not have the tenant that it came from: add it again and this goes by itself, or drop it'
    case 'operator':
      return `held by ${r.by ?? 'somebody'}: ${again}`
    case 'domain':
    case undefined:
      if (releasing.has(r.domain)) return `it is being let go: causeway domain release ${r.domain} --status`
      return `its domain was put on hold: causeway domain release ${r.domain}`
  }
}
