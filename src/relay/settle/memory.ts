/**
 * What was delivered for messages that had to be answered 451 all the same, so that the sender's next try is not a second
 * copy for those who have it. In memory, bounded and for as long as senders try: after a restart such a recipient may get
 * the message twice.
 */
import { createHash } from 'node:crypto'
import { readMessage } from '../../mail/message/message.ts'
import type { Incoming } from '../listen/listen.ts'

export type State = 'delivered' | 'under way'
export type Memory = {
  recall(incoming: Incoming, recipient: string): State | undefined
  note(incoming: Incoming, recipient: string, state: State): void
  forget(incoming: Incoming, recipient: string): void
  readonly size: number
}

const defaultMax = 100_000
/** Senders give up after five days or less (RFC 5321 section 4.5.4.1); what comes later was sent again on purpose. */
const keepMs = 7 * 24 * 3_600_000

export function makeMemory(max = defaultMax, now: () => number = Date.now): Memory {
  // In the order of age: a note that is renewed moves to the end.
  const notes = new Map<string, { readonly state: State; readonly at: number }>()
  return {
    recall(incoming, recipient) {
      const note = notes.size === 0 ? undefined : notes.get(keyOf(incoming, recipient))
      return note !== undefined && now() - note.at < keepMs ? note.state : undefined
    },
    note(incoming, recipient, state) {
      const key = keyOf(incoming, recipient)
      notes.delete(key)
      notes.set(key, { state, at: now() })
      const oldest = notes.size > max ? notes.keys().next().value : undefined
      if (oldest !== undefined) notes.delete(oldest)
    },
    forget(incoming, recipient) {
      if (notes.size > 0) notes.delete(keyOf(incoming, recipient))
    },
    get size() {
      return notes.size
    },
  }
}

const fingerprints = new WeakMap<Incoming, string>()

/** What stays the same when a message is tried again. Trace fields may differ; without a Message-ID the others must tell. */
const lasting = new Set(['message-id', 'date', 'from', 'to', 'cc', 'subject'])

function keyOf(incoming: Incoming, recipient: string): string {
  let fingerprint = fingerprints.get(incoming)
  if (fingerprint === undefined) {
    const { header, body } = readMessage(incoming.raw)
    const fields = header.fields.filter((field) => lasting.has(field.key)).map((field) => field.raw)
    const hash = createHash('sha256').update(JSON.stringify([incoming.mailFrom.text, fields]))
    fingerprint = hash.update(body).digest('base64')
    fingerprints.set(incoming, fingerprint)
  }
  return `${fingerprint} ${recipient}`
}
