/** The life of a DKIM key: made, published, rotated. What is asked twice is done once. */
import { domainKey } from '../mail/address/address.ts'
import type { ArcKey, DomainChange, ServedDomain } from '../project/project.ts'
import { dkimRecord, freeSelector, nextSelector, readDkimKey, zoneLine } from '../secrets/secrets.ts'
import type { Desk } from './desk.ts'
import { arcPlace, type KeyPlace, keyPlaces } from './keys.ts'
import { Problem } from './problem.ts'
import { currentProject } from './project.ts'

export type DkimRecord = {
  readonly domain: string
  readonly selector: string
  /** Owner name of the TXT record. */
  readonly name: string
  readonly text: string
  /** As a line of a zone file, split at 255. */
  readonly zone: string
  /** Made just now. */
  readonly isNew: boolean
}
export type Prepared = { readonly records: readonly DkimRecord[]; readonly notes: readonly string[] }

/** Every key of the project that is missing is made; the records to publish go to the log. */
export async function prepareAllKeys(desk: Desk): Promise<void> {
  for (const served of desk.live.current()?.domains ?? []) {
    const { records, notes } = await prepareKeys(desk, served)
    for (const made of records.filter((r) => r.isNew)) {
      desk.log('warn', 'a DKIM key was made: publish its record', { domain: made.domain, record: made.zone })
    }
    for (const note of notes) desk.log('warn', 'dkim', { note })
  }
  const arc = desk.live.current()?.gateway.arc
  const made = arc === undefined ? undefined : madeAt(arc.domain, arcPlace(arc))
  if (made?.isNew === true)
    desk.log('warn', 'the key of the ARC seal was made: publish its record', { domain: made.domain, record: made.zone })
}

/** Makes the keys of a domain where they are missing. A new key does not take a selector that DNS has for another one. */
export async function prepareKeys(desk: Desk, served: ServedDomain): Promise<Prepared> {
  const made = keyPlaces(served).map((place) => ({ place, record: madeAt(served.name, place) }))
  const settled = await Promise.all(made.map(({ place, record }) => settleSelector(desk, served, place, record)))
  return { records: settled.map((s) => s.record), notes: settled.flatMap((s) => s.notes) }
}

/** The next key is made at once and signs only after DNS has shown its record, so that no signature is without one. */
export async function rotateKey(desk: Desk, served: ServedDomain): Promise<Prepared> {
  const [old] = keyPlaces(served)
  if (old === undefined) return { records: [], notes: [] }
  const selector = nextSelector(old.selector)
  const place: KeyPlace = { selector, file: nextFile(old.file, old.selector, selector), kind: 'rsa' }
  const record = madeAt(served.name, place)
  const free = await askSelector(desk, served.name, place)
  if (free.kind !== 'found' || free.selector !== selector || !free.isPublished) {
    const again = `publish this record, then say \`causeway dkim rotate ${served.name}\` again; until then ${old.selector} signs`
    return { records: [record], notes: [again] }
  }
  const written = writtenKeyFile(desk, served.name) ?? old.file
  change(desk, served.name, { selector, keyFile: nextFile(written, old.selector, selector) })
  desk.log('info', 'DKIM key rotated', { domain: served.name, selector })
  return {
    records: [record],
    notes: [`${selector} signs from now on; leave the record of ${old.selector} in DNS for a week`],
  }
}

/** The records of a domain for the keys that exist. */
export function dkimRecords(served: ServedDomain): DkimRecord[] {
  return keyPlaces(served).flatMap((place) => {
    const found = readDkimKey(place.file, place.kind, { create: false })
    return found.kind === 'found' ? [recordOf(served.name, place.selector, dkimRecord(found.key), false)] : []
  })
}

/** The record of the key that seals mail from the internet, where it exists. */
export function arcRecords(arc: ArcKey | undefined): DkimRecord[] {
  if (arc === undefined) return []
  const found = readDkimKey(arc.keyFile, 'rsa', { create: false })
  return found.kind === 'found' ? [recordOf(arc.domain, arc.selector, dkimRecord(found.key), false)] : []
}

function madeAt(domain: string, place: KeyPlace): DkimRecord {
  const key = readDkimKey(place.file, place.kind, { create: true })
  if (key.kind === 'found') return recordOf(domain, place.selector, dkimRecord(key.key), key.created)
  if (key.kind === 'bad') throw new Problem(409, key.why, key.remedy)
  throw new Problem(409, `${place.file} is gone again`, 'try once more')
}

function recordOf(domain: string, selector: string, text: string, isNew: boolean): DkimRecord {
  const name = `${selector}._domainkey.${domain}`
  return { domain, selector, name, text, zone: zoneLine(name, text), isNew }
}

type Settled = { readonly record: DkimRecord; readonly notes: readonly string[] }

/** Whoever signs with the key that DNS has under this selector would lose his signatures, so a new key takes another one. */
async function settleSelector(desk: Desk, served: ServedDomain, place: KeyPlace, record: DkimRecord): Promise<Settled> {
  const free = await askSelector(desk, served.name, place)
  if (free.kind === 'unknown')
    return { record, notes: [`DNS could not say whether ${record.name} is free: ${free.why}`] }
  if (free.selector === place.selector) return { record, notes: [] }
  const taken = `${record.name} already holds another key in DNS`
  if (!record.isNew) return { record, notes: [`${taken}: publish ours there, or use selector ${free.selector}`] }
  const { selector } = free
  change(desk, served.name, place.kind === 'rsa' ? { selector } : { ed25519: { selector, keyFile: place.file } })
  return {
    record: recordOf(served.name, selector, record.text, true),
    notes: [`${taken}: selector ${selector} is used, and stands in the project now`],
  }
}

async function askSelector(desk: Desk, domain: string, place: KeyPlace) {
  const key = readDkimKey(place.file, place.kind, { create: false })
  if (key.kind !== 'found') throw new Problem(409, `${place.file} is gone again`, 'try once more')
  return freeSelector((name) => desk.resolver.txt(name), domain, place.selector, key.key)
}

function change(desk: Desk, name: string, dkim: NonNullable<DomainChange['dkim']>): void {
  const changed = desk.live.setDomain(name, { dkim }, 'api')
  if (!changed.ok)
    throw new Problem(422, `the keys of ${name} stay as they are`, 'correct what stands below', changed.problems)
}

/** As it stands in the project file, beside which it is looked for. */
function writtenKeyFile(desk: Desk, name: string): string | undefined {
  return currentProject(desk).document.domains?.find((d) => domainKey(d.name) === name)?.dkim?.keyFile
}

/** shared.key, shared.cw2.key, shared.cw3.key ... */
function nextFile(file: string, selector: string, next: string): string {
  const stem = file.replace(/\.[A-Za-z0-9]{1,4}$/, '')
  return `${stem.endsWith(`.${selector}`) ? stem.slice(0, -selector.length - 1) : stem}.${next}.key`
}
