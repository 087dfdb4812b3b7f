/** DKIM keys, shown as the records to publish. The private key stays where it lies. */
import { z } from 'zod'
import type { ServedDomain } from '../project/project.ts'
import { audited, type Told } from './audited.ts'
import type { Api, Desk } from './desk.ts'
import { arcRecords, dkimRecords, type Prepared, prepareKeys, rotateKey } from './dkim-keys.ts'
import { keyPlaces } from './keys.ts'
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
const answer = z.object({ records: z.array(record).readonly(), notes: z.array(z.string()).readonly() })
const params = z.object({ domain: z.string() })

export function dkimResource(api: Api, desk: Desk): void {
  const list = { summary: 'Records to publish for the keys that exist', response: { 200: answer } }
  api.get('/v1/dkim', { schema: list }, () => {
    const project = currentProject(desk)
    return {
      records: [...project.domains.flatMap((d) => dkimRecords(desk, d)), ...arcRecords(desk, project.gateway.arc)],
      notes: [],
    }
  })

  const make = { summary: 'Make the keys of a domain where they are missing', params, response: { 200: answer } }
  api.post('/v1/dkim/:domain', { schema: make, config: { changes: 'dkim.create' } }, (request) => {
    const served = signed(desk, request.params.domain)
    return audited(desk, request, served.name, () => prepareKeys(desk, served), told)
  })

  const rotation = {
    summary: 'The next keys, RSA and Ed25519: made at first, taken into use once their records are in DNS',
    params,
    response: { 200: answer },
  }
  api.post('/v1/dkim/:domain/rotate', { schema: rotation, config: { changes: 'dkim.rotate' } }, (request) => {
    const served = signed(desk, request.params.domain)
    return audited(desk, request, served.name, () => rotateKey(desk, served), told)
  })
}

/** Selectors and what became of them; keys stay where they are. */
function told({ records, notes }: Prepared): Told {
  const made = records.map((r) => `${r.selector}: ${r.isNew ? 'made' : 'was there'}`)
  return { after: [...made, ...notes].join('\n') }
}

function signed(desk: Desk, name: string): ServedDomain {
  const served = knownDomain(currentProject(desk), name)
  if (keyPlaces(served).length > 0) return served
  const remedy = 'add `dkim: { selector: cw1 }` under its domain and apply the file'
  throw new Problem(409, `${served.name} has no dkim in the project`, remedy)
}
