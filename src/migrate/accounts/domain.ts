/** A domain becomes the tenant's: added, its TXT record shown, looked for in the DNS, verified. Each call does what is next. */
import { z } from 'zod'
import type { Resolver } from '../../dns/dns.ts'
import type { Graph, GraphAnswer } from '../../tenants/graph/graph.ts'

export type DomainState = {
  readonly domain: string
  readonly isVerified: boolean
  /** To publish; absent once it is verified. */
  readonly record?: { readonly name: string; readonly type: 'TXT'; readonly value: string; readonly ttl: number }
  /** What the DNS has there now. */
  readonly seen: readonly string[]
  /** What was done, and what is to be done next, in a sentence each. */
  readonly said: readonly string[]
}

const domainShape = z.object({ id: z.string(), isVerified: z.boolean() })
const recordShape = z.object({
  recordType: z.string(),
  label: z.string(),
  text: z.string().optional(),
  ttl: z.number().default(3600),
})

export async function prepareDomain(
  graph: Graph,
  dns: Pick<Resolver, 'txt'>,
  domain: string,
): Promise<GraphAnswer<DomainState>> {
  const path = `/domains/${encodeURIComponent(domain)}`
  const said: string[] = []
  const found = await graph.get(path, domainShape)
  if (!found.ok && found.trouble.kind !== 'absent') return found
  if (found.ok && found.value.isVerified)
    return { ok: true, value: { domain, isVerified: true, seen: [], said: [`${domain} is verified`] } }
  if (!found.ok) {
    const added = await graph.post('/domains', { id: domain }, z.unknown())
    if (!added.ok && added.trouble.kind !== 'conflict') return added
    said.push(`${domain} was added to the tenant`)
  }
  const records = await graph.list(`${path}/verificationDnsRecords`, recordShape)
  if (!records.ok) return records
  const txt = records.value.find((one) => one.recordType.toLowerCase() === 'txt' && one.text !== undefined)
  if (txt?.text === undefined)
    return {
      ok: true,
      value: { domain, isVerified: false, seen: [], said: [...said, 'the tenant names no TXT record for it'] },
    }
  const record = { name: domain, type: 'TXT', value: txt.text, ttl: txt.ttl } as const
  const answer = await dns.txt(domain)
  const seen = answer.kind === 'found' ? answer.value : []
  const state = { domain, record, seen }
  if (answer.kind === 'unknown')
    return {
      ok: true,
      value: { ...state, isVerified: false, said: [...said, `the DNS cannot be asked just now: ${answer.why}`] },
    }
  if (!seen.some((value) => value.trim() === record.value))
    return {
      ok: true,
      value: {
        ...state,
        isVerified: false,
        said: [...said, 'the record is not in the DNS yet: publish it, and ask again'],
      },
    }
  return verify(graph, path, { ...state, said })
}

async function verify(
  graph: Graph,
  path: string,
  state: Omit<DomainState, 'isVerified'>,
): Promise<GraphAnswer<DomainState>> {
  const { record: _, ...rest } = state
  const answer = await graph.post(`${path}/verify`, {}, domainShape)
  if (answer.ok && answer.value.isVerified)
    return { ok: true, value: { ...rest, isVerified: true, said: [...state.said, `${state.domain} is verified now`] } }
  // Its own resolvers may remember for a while what was there before.
  const why = answer.ok ? 'the tenant does not see it yet' : answer.trouble.why
  if (!answer.ok && answer.trouble.kind !== 'wrong') return answer
  return {
    ok: true,
    value: {
      ...state,
      isVerified: false,
      said: [...state.said, `the record is in the DNS; ${why}: ask again in a few minutes`],
    },
  }
}
