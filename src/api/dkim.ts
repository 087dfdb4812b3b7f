/** DKIM keys: made, shown as the record to publish. The private key never leaves its file. */
import { z } from 'zod'
import { domainKey } from '../mail/address/address.ts'
import type { ServedDomain } from '../project/project.ts'
import { dkimRecord, freeSelector, nextSelector, readDkimKey, zoneLine } from '../secrets/secrets.ts'
import type { Api, Desk } from './desk.ts'
import { type KeyPlace, keyPlaces } from './keys.ts'
import { Problem } from './problem.ts'
import { currentProject, knownDomain } from './project.ts'

const record = z.object({
  domain: z.string(),
  selector: z.string(),
  name: z.string().describe('Owner name of the TXT record'),
  text: z.string().describe('Content of the TXT record, not split'),
  zone: z.string().describe('The record as a line of a zone file, split at 255'),
  isNew: z.boolean(),
})
type DkimRecord = z.infer<typeof record>
const answer = z.object({ records: z.array(record), notes: z.array(z.string()) })

export function dkimResource(api: Api, desk: Desk): void {
  const list = { summary: 'Records to publish for the keys that exist', response: { 200: answer } }
  api.get('/v1/dkim', { schema: list }, () => ({
    records: currentProject(desk).domains.flatMap(dkimRecords),
    notes: [],
  }))

  const params = z.object({ domain: z.string() })
  const make = { summary: 'Make the keys of a domain where they are missing', params, response: { 200: answer } }
  api.post('/v1/dkim/:domain', { schema: make }, async ({ params: { domain } }) => {
    const served = knownDomain(currentProject(desk), domain)
    const places = keyPlaces(served)
    if (places.length === 0) {
      throw new Problem(
        409,
        `${served.name} has no dkim in the project`,
        'add `dkim: { selector: cw1, keyFile: NAME.key }` under its domain and apply the file',
      )
    }
    const records = places.map((place) => made(served.name, place))
    return { records, notes: (await Promise.all(places.map((place) => collision(desk, served.name, place)))).flat() }
  })

  const rotation = {
    summary: 'The next key: made at first, taken into use once its record is in DNS',
    params,
    response: { 200: answer },
  }
  api.post('/v1/dkim/:domain/rotate', { schema: rotation }, ({ params: { domain } }) => rotate(desk, domain))
}

/** Asked again and again it is safe: the next key is made once, and used only after DNS has shown it. */
async function rotate(desk: Desk, name: string) {
  const served = knownDomain(currentProject(desk), name)
  const old = served.dkim
  if (old === undefined)
    throw new Problem(409, `${served.name} has no dkim in the project`, 'add it first, see docs/project-file.md')
  const selector = nextSelector(old.selector)
  const place: KeyPlace = { selector, file: nextFile(old.keyFile, old.selector, selector), kind: 'rsa' }
  const next = made(served.name, place)
  const key = readDkimKey(place.file, 'rsa', { create: false })
  const seen =
    key.kind === 'found' ? await freeSelector((n) => desk.resolver.txt(n), served.name, selector, key.key) : undefined
  if (seen?.kind !== 'found' || !seen.isPublished || seen.selector !== selector) {
    return {
      records: [next],
      notes: [
        `publish this record, then say \`causeway dkim rotate ${served.name}\` again; until then ${old.selector} signs`,
      ],
    }
  }
  const written =
    currentProject(desk).document.domains?.find((d) => domainKey(d.name) === served.name)?.dkim?.keyFile ?? old.keyFile
  const dkim = { selector, keyFile: nextFile(written, old.selector, selector) }
  const changed = desk.live.setDomain(served.name, { dkim }, 'api')
  if (!changed.ok) throw new Problem(422, `${old.selector} stays in use`, 'correct what stands below', changed.problems)
  desk.log('info', 'DKIM key rotated', { domain: served.name, selector })
  return {
    records: [next],
    notes: [`${selector} signs from now on; leave the record of ${old.selector} in DNS for a week`],
  }
}

/** shared.key, shared.cw2.key, shared.cw3.key ... */
function nextFile(file: string, selector: string, next: string): string {
  const stem = file.replace(/\.[A-Za-z0-9]{1,4}$/, '')
  return `${stem.endsWith(`.${selector}`) ? stem.slice(0, -selector.length - 1) : stem}.${next}.key`
}

/** The records of a domain for the keys that exist. */
export function dkimRecords(served: ServedDomain): DkimRecord[] {
  return keyPlaces(served).flatMap((place) => {
    const found = readDkimKey(place.file, place.kind, { create: false })
    return found.kind === 'found' ? [recordOf(served.name, place.selector, dkimRecord(found.key), false)] : []
  })
}

function made(domain: string, place: KeyPlace): DkimRecord {
  const key = readDkimKey(place.file, place.kind, { create: true })
  if (key.kind === 'found') return recordOf(domain, place.selector, dkimRecord(key.key), key.created)
  throw new Problem(
    409,
    key.kind === 'bad' ? key.why : `${place.file} is gone again`,
    key.kind === 'bad' ? key.remedy : 'try once more',
  )
}

function recordOf(domain: string, selector: string, text: string, isNew: boolean): DkimRecord {
  const name = `${selector}._domainkey.${domain}`
  return { domain, selector, name, text, zone: zoneLine(name, text), isNew }
}

/** A selector that DNS already uses for another key would break the mail of whoever signs with it. */
async function collision(desk: Desk, domain: string, place: KeyPlace): Promise<string[]> {
  const key = readDkimKey(place.file, place.kind, { create: false })
  if (key.kind !== 'found') return []
  const free = await freeSelector((name) => desk.resolver.txt(name), domain, place.selector, key.key)
  if (free.kind === 'unknown')
    return [`DNS could not say whether ${place.selector}._domainkey.${domain} is free: ${free.why}`]
  if (free.selector === place.selector) return []
  return [
    `${place.selector}._domainkey.${domain} already holds another key: use selector ${free.selector} in the project file`,
  ]
}
