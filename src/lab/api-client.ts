/** The gateway's API as the lab uses it: HTTP, token, JSON. The shapes are the gateway's; what is used is checked here. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { RunningGateway } from './gateway.ts'

const records = z.object({ records: z.array(z.object({ domain: z.string(), name: z.string(), text: z.string() })) })
const events = z.object({
  events: z.array(
    z.object({
      at: z.number(),
      id: z.string(),
      kind: z.string(),
      sender: z.string().optional(),
      recipients: z.array(z.string()).optional(),
      peer: z.string().optional(),
      server: z.string().optional(),
      field: z.string().optional(),
      old: z.string().optional(),
      new: z.string().optional(),
      entry: z.string().optional(),
      reply: z.string().optional(),
      why: z.string().optional(),
    }),
  ),
})
export type TracedEvent = z.infer<typeof events>['events'][number]
export type DkimRecord = z.infer<typeof records>['records'][number]

export type GatewayApi = {
  /** Makes the keys of a domain where they are missing; gives the records to publish. */
  makeDkim(domain: string): Promise<readonly DkimRecord[]>
  trace(query: {
    readonly messageId?: string
    readonly from?: string
    readonly to?: string
  }): Promise<readonly TracedEvent[]>
  /** One person lives in another tenant from now on. */
  move(address: string, tenant: string): Promise<void>
}

/** Each call throws when the gateway does not do as asked. The token is read where the gateway left it. */
export function gatewayApi({ http: { url } }: RunningGateway, dataDir: string): GatewayApi {
  const token = readFileSync(join(dataDir, 'api.token'), 'utf8').trim()
  const ask = async (method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return JSON.parse(text)
  }
  return {
    makeDkim: async (domain) => records.parse(await ask('POST', `/v1/dkim/${domain}`)).records,
    trace: async (query) => events.parse(await ask('GET', `/v1/trace?${new URLSearchParams(query).toString()}`)).events,
    async move(address, tenant) {
      await ask('POST', '/v1/directory/move', { address, tenant })
    },
  }
}
