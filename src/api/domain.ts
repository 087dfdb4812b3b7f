/** The domains that the project serves: their mode, and the records that their DNS should have. */
import { z } from 'zod'
import type { Resolver } from '../dns/dns.ts'
import type { Project, ServedDomain } from '../project/project.ts'
import { cameToText } from '../queue/queue.ts'
import { type Actor, audited } from './audited.ts'
import type { Api, Desk } from './desk.ts'
import { dkimRecords } from './dkim-keys.ts'
import { Problem } from './problem.ts'
import { currentProject, knownDomain } from './project.ts'
import { heldOf, orderOf } from './release.ts'

const mode = z.enum(['open', 'hold', 'retry-later'])
const domain = z.object({ name: z.string(), mode, unknown: z.string(), dkim: z.string().optional() })
/** After its mode was set. What is held is not let go by opening the domain: that is an order of its own. */
export const domainModeSchema = domain.extend({
  held: z.number().describe('Recipients still held because of the domain'),
  isAtLeast: z.boolean().describe('Counted up to here; there are more'),
  release: z
    .enum(['none', 'ended', 'standing'])
    .describe('The order to let its held mail go: a hold that begins ends it; else it goes on'),
})
const record = z.object({
  name: z.string(),
  type: z.enum(['MX', 'TXT']),
  wanted: z.string(),
  seen: z.array(z.string()).readonly(),
  state: z.enum(['right', 'missing', 'different', 'unknown']),
  remark: z.string(),
})
type DnsRecord = z.infer<typeof record>

export function domainResource(api: Api, desk: Desk): void {
  const list = { summary: 'Domains that the project serves', response: { 200: z.object({ domains: z.array(domain) }) } }
  api.get('/v1/domains', { schema: list }, () => ({ domains: currentProject(desk).domains.map(shown) }))

  const params = z.object({ name: z.string() })
  const set = {
    summary: 'Open, hold or retry-later',
    params,
    body: z.object({ mode }),
    response: { 200: domainModeSchema },
  }
  api.put('/v1/domains/:name/mode', { schema: set, config: { changes: 'domain.mode' } }, async (request) => {
    const was = knownDomain(currentProject(desk), request.params.name)
    const wanted = request.body.mode
    const begins = wanted === 'hold' && was.mode !== 'hold'
    const change = async ({ by }: Actor) => {
      // First: were it second, a failure in between would leave a hold that lets mail go.
      const ended = begins ? await desk.queue.endRelease(was.name) : undefined
      return { served: setMode(desk, was.name, wanted, by), ended }
    }
    const { served, ended } = await audited(desk, request, was.name, change, (done) => ({
      before: was.mode,
      after: done.ended === undefined ? wanted : `${wanted}; its release ended: ${cameToText(done.ended)}`,
    }))
    const { recipients, isAtLeast } = await heldOf(desk, was.name)
    const release: z.infer<typeof domainModeSchema>['release'] =
      ended === undefined ? await releaseOf(desk, was.name) : 'ended'
    return { ...shown(served), held: recipients, isAtLeast, release }
  })

  const dns = {
    summary: 'Records wanted, and records seen',
    params,
    response: { 200: z.object({ records: z.array(record) }) },
  }
  api.get('/v1/domains/:name/dns', { schema: dns }, async ({ params: { name } }) => {
    const project = currentProject(desk)
    return { records: await records(desk, project, knownDomain(project, name)) }
  })
}

async function releaseOf(desk: Desk, name: string): Promise<'none' | 'standing'> {
  return (await orderOf(desk, name)) === undefined ? 'none' : 'standing'
}

function setMode(desk: Desk, name: string, wanted: ServedDomain['mode'], by: string): ServedDomain {
  const changed = desk.live.setDomain(name, { mode: wanted }, by)
  if (!changed.ok) throw new Problem(422, `${name} stays as it is`, 'correct what stands below', changed.problems)
  return knownDomain(changed.value, name)
}

async function records(desk: Desk, project: Project, served: ServedDomain): Promise<DnsRecord[]> {
  const { resolver } = desk
  const keys = dkimRecords(desk, served).map(({ name, text }) => wantedText(resolver, name, text))
  return Promise.all([wantedMx(project, served, resolver), ...keys])
}

async function wantedMx(project: Project, { name }: ServedDomain, resolver: Resolver): Promise<DnsRecord> {
  const wanted = project.gateway.hostname
  const found = await resolver.mx(name)
  const seen = found.kind === 'found' ? found.value.map((mx) => `${mx.preference} ${mx.host}`) : []
  const isRight = found.kind === 'found' && found.value.some((mx) => mx.host.toLowerCase() === wanted.toLowerCase())
  const remark = 'mail of the world reaches the gateway when it is the MX; leave it where a tenant shall stay the MX'
  return { name, type: 'MX', wanted, seen, state: stateOf(found.kind, isRight), remark }
}

async function wantedText(resolver: Resolver, name: string, wanted: string): Promise<DnsRecord> {
  const found = await resolver.txt(name)
  const seen = found.kind === 'found' ? found.value : []
  const plain = (text: string): string => text.replaceAll(/\s/g, '')
  const isRight = seen.some((text) => plain(text) === plain(wanted))
  return {
    name,
    type: 'TXT',
    wanted,
    seen,
    state: stateOf(found.kind, isRight),
    remark: 'without it the signatures of this domain do not verify',
  }
}

function stateOf(kind: 'found' | 'absent' | 'unknown', isRight: boolean): DnsRecord['state'] {
  if (kind === 'found') return isRight ? 'right' : 'different'
  return kind === 'absent' ? 'missing' : 'unknown'
}

const shown = ({ name, mode: now, unknown, dkim }: ServedDomain) => ({
  name,
  mode: now,
  unknown: unknown.kind === 'reject' ? 'reject' : `tenant ${unknown.tenant}`,
  ...(dkim === undefined ? {} : { dkim: dkim.selector }),
})
