/**
 * What was delivered for messages that had to be answered 451 all the same, so that the sender's next try is not a second
 * copy for those who have it. In memory and bounded: after a restart such a recipient may get the message twice.
 */
import { createHash } from 'node:crypto'
import { readMessage } from '../../mail/message/message.ts'
import { messageIdOf } from '../admit/admit.ts'
import type { Incoming } from '../listen/listen.ts'

export type State = 'delivered' | 'under way'
export type Memory = {
  recall(incoming: Incoming, recipient: string): State | undefined
  note(incoming: Incoming, recipient: string, state: State): void
  forget(incoming: Incoming, recipient: string): void
  readonly size: number
}

const defaultMax = 100_000

export function makeMemory(max = defaultMax): Memory {
  const states = new Map<string, State>()
  return {
    recall: (incoming, recipient) => (states.size === 0 ? undefined : states.get(keyOf(incoming, recipient))),
    note(incoming, recipient, state) {
      const key = keyOf(incoming, recipient)
      states.delete(key)
      states.set(key, state)
      const oldest = states.size > max ? states.keys().next().value : undefined
      if (oldest !== undefined) states.delete(oldest)
    },
    forget: (incoming, recipient) => void states.delete(keyOf(incoming, recipient)),
    get size() {
      return states.size
    },
  }
}

const fingerprints = new WeakMap<Incoming, string>()

/** The same message tried again: same sender, Message-ID and body; its trace fields may differ. */
function keyOf(incoming: Incoming, recipient: string): string {
  let fingerprint = fingerprints.get(incoming)
  if (fingerprint === undefined) {
    const message = readMessage(incoming.raw)
    const hash = createHash('sha256').update(JSON.stringify([incoming.mailFrom.text, messageIdOf(message.header)]))
    fingerprint = hash.update(message.body).digest('base64')
    fingerprints.set(incoming, fingerprint)
  }
  return `${fingerprint} ${recipient}`
}
