/** What is known of each server: how many mailboxes it bears at once, how fast they may be written to. Kept over restarts. */
import type { Db } from '../../store/store.ts'
import { type Gate, type GateState, makeGate, newGateState } from './gate.ts'
import { type Learned, type MailboxPace, makePace } from './pace.ts'
import { type Server, serverName } from './settings.ts'

export type Servers = {
  gate(server: Server): Gate
  pace(target: Server, mailbox: number): MailboxPace
  /** Writes what was learned since. */
  keep(): void
}

type Known = { readonly gate: GateState; readonly learned: Learned; changed: boolean }

export function makeServers(db: Db, now: () => number): Servers {
  const known = new Map<string, Known>()
  const gates = new Map<string, Gate>()
  const paces = new Map<number, { readonly server: string; readonly pace: MailboxPace }>()

  const of = (server: Server): Known => {
    const name = serverName(server)
    const found = known.get(name) ?? read(db, name)
    known.set(name, found)
    return found
  }
  return {
    gate(server) {
      const [key, one] = [`${serverName(server)} ${server.maxConcurrent}`, of(server)]
      const made =
        gates.get(key) ??
        makeGate({ state: one.gate, most: server.maxConcurrent, now, onLearned: () => void (one.changed = true) })
      gates.set(key, made)
      return made
    },
    pace(target, mailbox) {
      const [server, one] = [serverName(target), of(target)]
      const found = paces.get(mailbox)
      if (found?.server === server) return found.pace
      const pace = makePace({ learned: one.learned, now, onLearned: () => void (one.changed = true) })
      paces.set(mailbox, { server, pace })
      return pace
    },
    keep() {
      for (const [name, one] of known) {
        if (!one.changed) continue
        one.changed = false
        const learned = JSON.stringify({ gate: one.gate, learned: one.learned })
        db.run('INSERT OR REPLACE INTO server_pace VALUES (?, ?, ?)', name, learned, now())
      }
    },
  }
}

function read(db: Db, name: string): Known {
  const row = db.get('SELECT learned FROM server_pace WHERE server = ?', name)
  const kept: { gate?: GateState; learned?: Learned } =
    typeof row?.['learned'] === 'string' ? JSON.parse(row['learned']) : {}
  return { gate: { ...newGateState(), ...kept.gate }, learned: { ...kept.learned }, changed: false }
}
