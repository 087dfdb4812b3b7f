/** Names as a target can keep them. */
import type { Traits } from '../mailbox/mailbox.ts'

/** Of Exchange in English: folders that are not for mail, or hidden and full of attachments (Files). */
const reservedByExchange = new Set([
  'files',
  'calendar',
  'contacts',
  'tasks',
  'notes',
  'journal',
  'outbox',
  'sync issues',
  'conversation history',
  'suggested contacts',
  'rss feeds',
])

/** As a folder of the source these hold no mail (Exchange), or the mail of others a second time. */
export function isNoMailFolder(path: readonly string[], kind: Traits['kind']): boolean {
  const top = (path[0] ?? '').toLowerCase()
  if (kind !== 'exchange') return false
  return ['calendar', 'contacts', 'tasks', 'notes', 'journal', 'outbox', 'files', 'suggested contacts'].includes(top)
}

/**
 * One component of a path. `level` 0 changes what no server keeps, or the kind of this one is known not to; each
 * level more is for a server that has refused the last one.
 */
export function nameFor(name: string, kind: Traits['kind'], level: number): string {
  const plain = withoutControls(name.normalize('NFC'))
  const kept = kind === 'exchange' || level > 0 ? plain.trim().replaceAll('/', '_') : plain
  const safe = level > 1 ? kept.replaceAll(/[%*"\\/.~&^#!|]/g, '_') : kept
  const short = level > 2 ? shortened(safe, 40) : shortened(safe, kind === 'exchange' ? 200 : 255)
  return short === '' || short === '.' || short === '..' ? '_' : short
}

/** For the first component at the target's top. */
export function topNameFor(name: string, kind: Traits['kind']): string {
  return kind === 'exchange' && reservedByExchange.has(name.toLowerCase()) ? `${name} (mail)` : name
}

/** Two names that this target takes for one. */
export function nameKey(path: readonly string[], kind: Traits['kind']): string {
  const ignoresCase = kind === 'exchange' || kind === 'gmail'
  const inbox = path[0]?.toUpperCase() === 'INBOX' ? ['INBOX', ...path.slice(1)] : path
  const text = JSON.stringify(inbox.map((name) => name.normalize('NFC')))
  return ignoresCase ? text.toLowerCase() : text
}

function withoutControls(name: string): string {
  return name.replaceAll(/[\p{Cc}\u2028\u2029]/gu, '_')
}

/** In characters, never in the middle of one. */
function shortened(name: string, most: number): string {
  const characters = Array.from(name)
  return characters.length <= most ? name : `${characters.slice(0, most - 1).join('')}…`
}
