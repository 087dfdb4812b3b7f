/** Rows as values. */
import type { Row, Value } from '../store/store.ts'
import type { HoldCause, KeptMessage, KeptRecipient, RecipientState, Trouble } from './message.ts'

export function keptMessage(row: Row): KeptMessage {
  return {
    id: String(row.id),
    receivedAt: Number(row.received_at),
    sender: String(row.sender),
    peer: String(row.peer),
    messageId: String(row.message_id),
    subject: String(row.subject),
    envelope: String(row.envelope),
    size: Number(row.size),
    ...(isThere(row.warned_at) && { warnedAt: Number(row.warned_at) }),
  }
}

export function keptRecipient(row: Row): KeptRecipient {
  const cause = holdCauses.find((one) => one === row.cause)
  const trouble = troubleOf(row.trouble)
  return {
    n: Number(row.n),
    address: String(row.address),
    domain: String(row.domain),
    facts: String(row.facts),
    lane: String(row.lane),
    state: stateOf(row.state),
    attempts: Number(row.attempts),
    reply: String(row.reply),
    why: String(row.why),
    nextAt: Number(row.next_at),
    ...(cause !== undefined && { cause }),
    ...(trouble !== undefined && { trouble }),
    ...(isThere(row.last_at) && { lastAt: Number(row.last_at) }),
    ...(row.wish === 'return' && { wish: 'return' }),
    ...(isThere(row.who) && { by: String(row.who) }),
    ...(row.warned === 1 && { isWarned: true }),
    ...(isThere(row.released_at) && { releasedAt: Number(row.released_at) }),
  }
}

const holdCauses: readonly HoldCause[] = ['domain', 'tenant', 'refused', 'expired', 'operator']
const troubles: readonly Trouble[] = ['temporary', 'throttled', 'operator']

export function troubleOf(value: Value | undefined): Trouble | undefined {
  return troubles.find((one) => one === value)
}

function stateOf(value: Value | undefined): RecipientState {
  if (value === 'held' || value === 'running') return value
  return 'waiting'
}

/** A recipient as the operations change it. */
export type Place = {
  readonly message: number
  readonly n: number
  readonly lane: string
  readonly state: RecipientState
  readonly attempts: number
  readonly nextAt: number
  readonly wish: string | undefined
  readonly line: string | undefined
}

export function placeOf(row: Row): Place {
  return {
    message: Number(row.message),
    n: Number(row.n),
    lane: String(row.lane),
    state: stateOf(row.state),
    attempts: Number(row.attempts),
    nextAt: Number(row.next_at),
    wish: textOf(row.wish),
    line: textOf(row.line),
  }
}

export function textOf(value: Value | undefined): string | undefined {
  return isThere(value) ? String(value) : undefined
}

function isThere(value: Value | undefined): boolean {
  return value !== null && value !== undefined
}
