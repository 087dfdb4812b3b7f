/** What the checks share: questions as mailauth asks them, and words of its results. */
import { isCostlyKey } from './costly-key.ts'
import type { Ask } from './questions.ts'

/** Like `dns.promises.resolve`, failing with the codes of Node. */
export type Lookup = (name: string, type: string) => Promise<readonly unknown[]>

/** `unanswered` gets the names that the DNS did not answer for: not all checks tell that from a no. */
export function makeLookup(ask: Ask, unanswered: Set<string>): Lookup {
  return async (name, type) => {
    const asked = await ask(name, type)
    if (asked.kind === 'found') return type === 'TXT' && isKeyName(name) ? affordable(asked.records) : asked.records
    if (asked.code === 'ESERVFAIL') unanswered.add(name)
    throw Object.assign(new Error(asked.why), { code: asked.code })
  }
}

const isKeyName = (name: string): boolean => name.toLowerCase().includes('._domainkey.')

/** As if it were a key of a kind that nobody knows: a signature by it proves nothing. */
function affordable(records: readonly unknown[]): readonly unknown[] {
  if (!records.some((record) => isCostlyKey([record].flat().join('')))) return records
  throw Object.assign(new Error('the key takes too long to verify with'), { code: 'EINVALIDTYPE' })
}

/** What stands in a result of mailauth, as text; names in it come from strangers. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A word of a result, when it is one of those that we know. */
export function oneOf<T extends string>(words: readonly T[], word: string, otherwise: T): T {
  return words.find((known) => known === word) ?? otherwise
}
