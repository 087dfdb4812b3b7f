/** The life of a DKIM key: made, published, rotated. What is asked twice is done once. */
import { domainKey } from '../mail/address/address.ts'
import type { ArcKey, DomainChange, ServedDomain } from '../project/project.ts'
import {
  type AskTxt,
  dkimRecord,
  freeSelector,
  keyNameOf,
  keyPlaceOf,
  nextSelector,
  readDkimKey,
  zoneLine,
} from '../secrets/secrets.ts'
import { secretNamed } from '../secrets/vault/vault.ts'
import type { Desk } from './desk.ts'
import { arcPlace, type KeyPlace, keyPlaces, keyVault } from './keys.ts'
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
  const made = arc === undefined ? undefined : madeAt(desk, arc.domain, arcPlace(arc))
  if (made?.isNew === true)
    desk.log('warn', 'the key of the ARC seal was made: publish its record', { domain: made.domain, record: made.zone })
}

/** Makes the keys of a domain where they are missing. A new key does not take a selector that DNS has for another one. */
export async function prepareKeys(desk: Desk, served: ServedDomain): Promise<Prepared> {
  const made = keyPlaces(served).map((place) => ({ place, record: madeAt(desk, served.name, place) }))
  const settled = await Promise.all(made.map(({ place, record }) => settleSelector(desk, served, place, record)))
  return { records: settled.map((s) => s.record), notes: settled.flatMap((s) => s.notes) }
}

/**
 * The next keys, of each kind that the domain has, are made at once and sign only after DNS has shown all their records, so
 * that no signature is without one and none is rotated twice for the other's sake.
 */
export async function rotateKey(desk: Desk, served: ServedDomain): Promise<Prepared> {
  const turns = turnsOf(served)
  const records = turns.map(({ next }) => madeAt(desk, served.name, next))
  const isReady = await Promise.all(turns.map(({ next }) => isPublished(desk, served, next)))
  if (!isReady.every(Boolean)) {
    const missing = records.filter((_, i) => isReady[i] !== true)
    const these = missing.length === 1 ? `the record of ${missing[0]?.selector}` : 'these records'
    const olds = turns.map(({ old }) => old.selector).join(' and ')
    const again = `publish ${these}, then say \`causeway dkim rotate ${served.name}\` again; until then ${olds} ${turns.length === 1 ? 'signs' : 'sign'}`
    return { records, notes: [again] }
  }
  takeTurns(desk, served, turns)
  return { records, notes: turns.map(turnNote) }
}

/** One key after another of the same kind. */
type Turn = { readonly old: KeyPlace; readonly next: KeyPlace }

/** A record holds one key: no selector is taken that one of the domain's keys has, or is about to have. */
function turnsOf(served: ServedDomain): readonly Turn[] {
  const olds = keyPlaces(served)
  const taken = new Set(olds.map(({ selector }) => selector.toLowerCase()))
  return olds.map((old) => {
    let selector = nextSelector(old.selector)
    while (taken.has(selector.toLowerCase())) selector = nextSelector(selector)
    taken.add(selector.toLowerCase())
    return { old, next: { selector, place: nextPlace(served.name, old, selector), kind: old.kind } }
  })
}

async function isPublished(desk: Desk, served: ServedDomain, next: KeyPlace): Promise<boolean> {
  const free = await askSelector(desk, served, next)
  return free.kind === 'found' && free.selector === next.selector && free.isPublished
}

function takeTurns(desk: Desk, served: ServedDomain, turns: readonly Turn[]): void {
  const dkim = writtenDkim(desk, served.name)
  const keyOf = ({ old, next }: Turn) => {
    const written = (old.kind === 'rsa' ? dkim : dkim?.ed25519)?.keyFile
    return { selector: next.selector, ...(written && { keyFile: nextWritten(written, old, next) }) }
  }
  const [rsa, ed25519] = turns
  if (rsa === undefined) return
  change(desk, served.name, { ...keyOf(rsa), ...(ed25519 && { ed25519: keyOf(ed25519) }) })
  for (const { next } of turns) desk.log('info', 'DKIM key rotated', { domain: served.name, selector: next.selector })
}

const turnNote = ({ old, next }: Turn): string =>
  `${next.selector} signs from now on; leave the record of ${old.selector} in DNS for a week${keptNote(old)}`

/** Keys of the vault are rotated in the vault, files beside the file. */
const nextPlace = (domain: string, old: KeyPlace, selector: string): string =>
  secretNamed(old.place) === undefined ? nextFile(old.place, old.selector, selector) : keyPlaceOf(domain, selector)

/** As it is to stand in the project file, beside which a file is looked for. */
const nextWritten = (written: string, old: KeyPlace, next: KeyPlace): string =>
  secretNamed(old.place) === undefined ? nextFile(written, old.selector, next.selector) : next.place

function keptNote({ place }: KeyPlace): string {
  const name = secretNamed(place)
  return name === undefined ? '' : `, then say \`causeway secret remove ${name}\``
}

/** The records of a domain for the keys that exist. */
export function dkimRecords(desk: Desk, served: ServedDomain): DkimRecord[] {
  return keyPlaces(served).flatMap((place) => existingRecord(desk, served.name, place))
}

/** The record of the key that seals mail from the internet, where it exists. */
export function arcRecords(desk: Desk, arc: ArcKey | undefined): DkimRecord[] {
  return arc === undefined ? [] : existingRecord(desk, arc.domain, arcPlace(arc))
}

function existingRecord(desk: Desk, domain: string, { selector, place, kind }: KeyPlace): DkimRecord[] {
  const found = readDkimKey(place, kind, { create: false, vault: keyVault(desk.vault) })
  return found.kind === 'found' ? [recordOf(domain, selector, dkimRecord(found.key), false)] : []
}

function madeAt(desk: Desk, domain: string, { selector, place, kind }: KeyPlace): DkimRecord {
  const key = readDkimKey(place, kind, { create: true, vault: keyVault(desk.vault) })
  if (key.kind === 'found') return recordOf(domain, selector, dkimRecord(key.key), key.created)
  if (key.kind === 'bad') throw new Problem(409, key.why, key.remedy)
  throw new Problem(409, `${place} is gone again`, 'try once more')
}

function recordOf(domain: string, selector: string, text: string, isNew: boolean): DkimRecord {
  const name = `${selector}._domainkey.${domain}`
  return { domain, selector, name, text, zone: zoneLine(name, text), isNew }
}

type Settled = { readonly record: DkimRecord; readonly notes: readonly string[] }

/** Whoever signs with the key that DNS has under this selector would lose his signatures, so a new key takes another one. */
async function settleSelector(desk: Desk, served: ServedDomain, place: KeyPlace, record: DkimRecord): Promise<Settled> {
  const free = await askSelector(desk, served, place)
  if (free.kind === 'unknown')
    return { record, notes: [`DNS could not say whether ${record.name} is free: ${free.why}`] }
  if (free.selector === place.selector) return { record, notes: [] }
  const taken = `${record.name} already holds another key in DNS`
  if (!record.isNew) return { record, notes: [`${taken}: publish ours there, or use selector ${free.selector}`] }
  const { selector } = free
  takeSelector(desk, served.name, place, selector)
  return {
    record: recordOf(served.name, selector, record.text, true),
    notes: [`${taken}: selector ${selector} is used, and stands in the project now`],
  }
}

/** A key that lies under the name of its record goes along, so that a project with the new selector finds this key and no other. */
function takeSelector(desk: Desk, domain: string, { place, kind, selector: old }: KeyPlace, selector: string): void {
  const dkim = writtenDkim(desk, domain)
  const written = (kind === 'rsa' ? dkim : dkim?.ed25519)?.keyFile
  const goesAlong = place === keyPlaceOf(domain, old)
  if (goesAlong) copyKey(desk, keyNameOf(domain, old), keyNameOf(domain, selector))
  const next = goesAlong ? keyPlaceOf(domain, selector) : written
  const key = { selector, ...(written && next && { keyFile: next }) }
  change(desk, domain, kind === 'rsa' ? key : { ed25519: key })
  if (goesAlong) desk.vault.remove('project', keyNameOf(domain, old))
}

function copyKey(desk: Desk, from: string, to: string): void {
  const vault = keyVault(desk.vault)
  const key = vault.read(from)
  if (key.kind === 'found') vault.keep(to, key.value)
}

/** The selector for a key: not one that DNS has for another, nor that of the domain's other key, nor one under whose name a key lies. */
async function askSelector(desk: Desk, { name, dkim }: ServedDomain, { selector, place, kind }: KeyPlace) {
  const vault = keyVault(desk.vault)
  const key = readDkimKey(place, kind, { create: false, vault })
  if (key.kind !== 'found') throw new Problem(409, `${place} is gone again`, 'try once more')
  const other = kind === 'rsa' ? dkim?.ed25519?.selector : dkim?.selector
  const isTaken = (at: string): boolean => {
    const isKept = keyPlaceOf(name, at) !== place && vault.read(keyNameOf(name, at)).kind !== 'absent'
    return isKept || at === other?.toLowerCase()
  }
  const ask: AskTxt = async (owner) => {
    const at = owner.slice(0, owner.indexOf('._domainkey.')).toLowerCase()
    return at !== selector.toLowerCase() && isTaken(at) ? { kind: 'found', value: [] } : desk.resolver.txt(owner)
  }
  return freeSelector(ask, name, selector, key.key)
}

function change(desk: Desk, name: string, dkim: NonNullable<DomainChange['dkim']>): void {
  const changed = desk.live.setDomain(name, { dkim }, 'api')
  if (!changed.ok)
    throw new Problem(422, `the keys of ${name} stay as they are`, 'correct what stands below', changed.problems)
}

/** As it stands in the project file. */
function writtenDkim(desk: Desk, name: string) {
  return currentProject(desk).document.domains?.find((d) => domainKey(d.name) === name)?.dkim
}

/** shared.key, shared.cw2.key, shared.cw3.key ... */
function nextFile(file: string, selector: string, next: string): string {
  const stem = file.replace(/\.[A-Za-z0-9]{1,4}$/, '')
  return `${stem.endsWith(`.${selector}`) ? stem.slice(0, -selector.length - 1) : stem}.${next}.key`
}
