/** Sets of flags by number: thousands of messages share a few of them. */
import type { Db } from '../../store/store.ts'

export type FlagSets = { idOf(text: string): number; textOf(id: number): string; forget(): void }

/** A source that gives each message a keyword of its own must not fill the memory. */
const maxKept = 10_000

export function flagSets(db: Db): FlagSets {
  const ids = new Map<string, number>()
  const texts = new Map<number, string>()
  const forget = (): void => {
    ids.clear()
    texts.clear()
  }
  const keep = (text: string, id: number): void => {
    if (ids.size >= maxKept) forget()
    ids.set(text, id)
    texts.set(id, text)
  }
  return {
    forget,
    idOf: (text) => {
      const id = ids.get(text) ?? idIn(db, text)
      if (!ids.has(text)) keep(text, id)
      return id
    },
    textOf: (id) => {
      const text = texts.get(id) ?? String(db.get('SELECT flags FROM copy_flags WHERE id = ?', id)?.flags ?? '')
      if (!texts.has(id)) keep(text, id)
      return text
    },
  }
}

function idIn(db: Db, text: string): number {
  db.run('INSERT INTO copy_flags (flags) VALUES (?) ON CONFLICT DO NOTHING', text)
  return Number(db.get('SELECT id FROM copy_flags WHERE flags = ?', text)?.id)
}
