/**
 * A tenant's Microsoft Graph for rehearsals: users, licences, domains, contacts. What it does otherwise than the real one stands in
 * `docs/lab-differences.md`. It throttles when told to, so that everybody who asks it has met that.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text as textIn } from 'node:stream/consumers'

type Thing = Record<string, unknown>

export type LabGraph = {
  /** As `https://graph.microsoft.com/v1.0`. */
  readonly base: string
  /** As `https://login.microsoftonline.com`. */
  readonly authority: string
  /** The only token that it takes. */
  readonly token: string
  readonly users: Thing[]
  readonly skus: { skuId: string; skuPartNumber: string; enabled: number }[]
  readonly domains: Map<string, { isVerified: boolean; txt: string }>
  /** By user id. */
  readonly contacts: Map<string, Thing[]>
  /** What the TXT record of a domain is in the DNS just now; verification looks there. */
  published: (domain: string) => readonly string[]
  /** So many of the next requests are answered 429 with this Retry-After. */
  throttle(requests: number, seconds: number): void
  /** Requests so far, as `POST /users`. */
  readonly seen: string[]
  readonly stop: () => Promise<void>
}

type Answer = { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
const refuse = (status: number, code: string, message: string): Answer => ({
  status,
  body: { error: { code, message } },
})

export async function startLabGraph(): Promise<LabGraph> {
  const state = { throttled: 0, seconds: 0, ids: 0 }
  const server = createServer((request, response) => {
    void reply(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const lab: LabGraph = {
    base: `http://127.0.0.1:${port}/v1.0`,
    authority: `http://127.0.0.1:${port}`,
    token: 'lab-token',
    users: [],
    skus: [],
    domains: new Map(),
    contacts: new Map(),
    published: () => [],
    throttle(requests, seconds) {
      state.throttled = requests
      state.seconds = seconds
    },
    seen: [],
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  const newId = (): string => {
    state.ids += 1
    return `00000000-0000-4000-8000-${String(state.ids).padStart(12, '0')}`
  }

  async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body, headers } = await answer(request)
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body === undefined ? '' : JSON.stringify(body))
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', lab.base)
    const path = decodeURIComponent(url.pathname.replace('/v1.0', ''))
    const said = await textIn(request)
    // Entra stands at the same address: it gives out the token to whoever says a secret.
    if (path.endsWith('/oauth2/v2.0/token')) return tokenFor(new URLSearchParams(said))
    const body = jsonOf(said)
    lab.seen.push(`${request.method} ${path}`)
    if (request.headers.authorization !== `Bearer ${lab.token}`)
      return refuse(401, 'InvalidAuthenticationToken', 'Access token validation failure.')
    if (state.throttled > 0) {
      state.throttled -= 1
      return {
        ...refuse(429, 'TooManyRequests', 'Too many requests.'),
        headers: { 'retry-after': String(state.seconds) },
      }
    }
    return route(request.method ?? '', path, url.searchParams, isThing(body) ? body : {})
  }

  function tokenFor(form: URLSearchParams): Answer {
    const isApp =
      form.get('grant_type') === 'client_credentials' && (form.has('client_secret') || form.has('client_assertion'))
    if (isApp) return { status: 200, body: { token_type: 'Bearer', expires_in: 3600, access_token: lab.token } }
    return {
      status: 401,
      body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' },
    }
  }

  function route(method: string, path: string, query: URLSearchParams, body: Thing): Answer {
    const [, room = '', id = '', more = ''] = path.split('/')
    if (room === 'users')
      return method === 'GET' && id === '' ? page(lab.users, path, query) : users(method, id, more, body)
    if (room === 'subscribedSkus') return { status: 200, body: { value: lab.skus.map(skuOf) } }
    if (room === 'domains') return domains(method, id || text(body['id']), more)
    return refuse(404, 'Request_ResourceNotFound', `Resource '${path}' does not exist.`)
  }

  /** Pages of two, so that nobody gets away with reading the first only. */
  function page(all: readonly Thing[], path: string, query: URLSearchParams): Answer {
    const from = Number(query.get('$skiptoken') ?? 0)
    const next = from + 2 < all.length ? { '@odata.nextLink': `${lab.base}${path}?$skiptoken=${from + 2}` } : {}
    return { status: 200, body: { value: all.slice(from, from + 2), ...next } }
  }

  function users(method: string, id: string, more: string, body: Thing): Answer {
    if (id === '') return createUser(body)
    const user = lab.users.find((one) => one['id'] === id || one['userPrincipalName'] === id)
    if (user === undefined) return refuse(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`)
    if (more === 'assignLicense') return license(user, body)
    if (more === 'contacts') return contacts(method, text(user['id']), body)
    if (method === 'PATCH') Object.assign(user, body)
    return method === 'PATCH' ? { status: 204 } : { status: 200, body: user }
  }

  function createUser(body: Thing): Answer {
    const name = text(body['userPrincipalName'])
    const domain = name.slice(name.indexOf('@') + 1)
    if (lab.domains.get(domain)?.isVerified !== true)
      return refuse(400, 'Request_BadRequest', 'The domain portion of the userPrincipalName property is invalid.')
    if (lab.users.some((user) => text(user['userPrincipalName']).toLowerCase() === name.toLowerCase()))
      return refuse(
        400,
        'Request_BadRequest',
        'Another object with the same value for property userPrincipalName already exists.',
      )
    const { passwordProfile: _, ...shown } = body
    const user = { id: newId(), proxyAddresses: [`SMTP:${name}`], assignedLicenses: [], mail: name, ...shown }
    lab.users.push(user)
    return { status: 201, body: user }
  }

  function license(user: Thing, body: Thing): Answer {
    if (text(user['usageLocation']) === '')
      return refuse(
        400,
        'Request_BadRequest',
        'License assignment cannot be done for user with invalid usage location.',
      )
    const wanted = Array.isArray(body['addLicenses'])
      ? body['addLicenses'].filter(isThing).map((one) => text(one['skuId']))
      : []
    const lacking = wanted.find((skuId) => free(skuId) < 1)
    if (lacking !== undefined)
      return refuse(400, 'Request_BadRequest', `Subscription with SKU ${lacking} does not have any available licenses.`)
    user['assignedLicenses'] = wanted.map((skuId) => ({ skuId }))
    return { status: 200, body: user }
  }

  const used = (skuId: string): number =>
    lab.users.filter((user) => JSON.stringify(user['assignedLicenses'] ?? []).includes(skuId)).length
  const free = (skuId: string): number => (lab.skus.find((sku) => sku.skuId === skuId)?.enabled ?? 0) - used(skuId)
  const skuOf = (sku: LabGraph['skus'][number]): Thing => ({
    skuId: sku.skuId,
    skuPartNumber: sku.skuPartNumber,
    consumedUnits: used(sku.skuId),
    prepaidUnits: { enabled: sku.enabled },
  })

  function domains(method: string, id: string, more: string): Answer {
    const known = lab.domains.get(id)
    if (method === 'POST' && more === '') {
      if (known !== undefined) return refuse(409, 'Conflict', 'Domain already exists in the tenant.')
      lab.domains.set(id, { isVerified: false, txt: `MS=ms${10_000_000 + lab.domains.size}` })
      return { status: 201, body: { id, isVerified: false } }
    }
    if (known === undefined) return refuse(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`)
    if (more === 'verificationDnsRecords')
      return { status: 200, body: { value: [{ recordType: 'Txt', label: id, text: known.txt, ttl: 3600 }] } }
    if (more === 'verify') {
      if (!lab.published(id).includes(known.txt))
        return refuse(400, 'Request_BadRequest', 'Domain verification failed: the expected DNS record was not found.')
      known.isVerified = true
    }
    return { status: 200, body: { id, isVerified: known.isVerified } }
  }

  function contacts(method: string, id: string, body: Thing): Answer {
    const all = lab.contacts.get(id) ?? []
    lab.contacts.set(id, all)
    if (method === 'GET') return { status: 200, body: { value: all } }
    if (Array.isArray(body['emailAddresses']) && body['emailAddresses'].length > 3)
      return refuse(400, 'ErrorInvalidProperty', 'At most three addresses.')
    all.push({ id: newId(), ...body })
    return { status: 201, body: all.at(-1) }
  }

  return lab
}

const isThing = (value: unknown): value is Thing => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function jsonOf(said: string): unknown {
  try {
    return JSON.parse(said)
  } catch {
    return undefined
  }
}
