/** A selector for a new key that collides with none in DNS. */
import type { KeyObject } from 'node:crypto'
import { dkimRecord } from './dkim-record.ts'

/** The TXT records at a name, each joined to one text. */
export type AskTxt = (
  name: string,
) => Promise<
  | { readonly kind: 'found'; readonly value: readonly string[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly why: string }
>

export type SelectorAnswer =
  /** `isPublished`: DNS already has this key there. */
  | { readonly kind: 'found'; readonly selector: string; readonly isPublished: boolean }
  | { readonly kind: 'unknown'; readonly why: string }

const mostTries = 50

/**
 * `wanted`, or the next by number (cw1, cw2 ...), at which `domain` has no record or the record of this very key. A key
 * replaced under a selector in use would break the mail that its owner has signed and not yet delivered.
 */
export async function freeSelector(
  ask: AskTxt,
  domain: string,
  wanted: string,
  key: KeyObject,
): Promise<SelectorAnswer> {
  let selector = wanted
  for (let tries = 0; tries < mostTries; tries += 1) {
    const answer = await ask(`${selector}._domainkey.${domain}`)
    if (answer.kind === 'unknown') return answer
    if (answer.kind === 'absent') return { kind: 'found', selector, isPublished: false }
    if (holdsKey(answer.value, key)) return { kind: 'found', selector, isPublished: true }
    selector = nextSelector(selector)
  }
  const why = `${domain} answers at every selector from ${wanted} to ${selector}; a wildcard record may cover _domainkey`
  return { kind: 'unknown', why }
}

/** RFC 6376 section 3.6.2.2: several records at one selector are undefined, so only a single one counts as ours. */
function holdsKey(records: readonly string[], key: KeyObject): boolean {
  const [record] = records
  return records.length === 1 && record !== undefined && keyData(record) === keyData(dkimRecord(key))
}

/** The p= tag without white space. */
function keyData(record: string): string {
  const tag = record.split(';').find((part) => /^\s*p\s*=/.test(part)) ?? ''
  return tag.slice(tag.indexOf('=') + 1).replace(/\s+/g, '')
}

/** cw1, cw2 ... */
export function nextSelector(selector: string): string {
  const digits = /\d{1,9}$/.exec(selector)?.[0] ?? ''
  const stem = selector.slice(0, selector.length - digits.length)
  return `${stem}${digits === '' ? 2 : Number(digits) + 1}`
}
