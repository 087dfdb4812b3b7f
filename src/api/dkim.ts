/** DKIM keys: made, shown as the record to publish. The private key never leaves its file. */
import { z } from 'zod'
import type { ServedDomain } from '../project/project.ts'
import { dkimRecord, freeSelector, readDkimKey, zoneLine } from '../secrets/secrets.ts'
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
