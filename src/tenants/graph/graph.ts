/**
 * Microsoft Graph: a client for the few resources that Causeway needs.
 *
 * Promises: what Graph asks us to wait is waited (Retry-After), within a bound; every page of a list is read, from the same server;
 *   every answer is checked for its shape before anybody works with it.
 * Never: sends the token anywhere but to the server that was named; shows it in a sentence.
 * On failure: what Graph said, in its own words, and whether it may pass.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

export type GraphOptions = {
  /** `https://graph.microsoft.com/v1.0`, or that of a national cloud. */
  readonly base: string
  readonly token: () => Promise<GraphAnswer<string>>
  /** For all tries of one request together, in ms; two minutes when absent. */
  readonly patienceMs?: number
  readonly signal?: AbortSignal
}

export type GraphTrouble = {
  readonly kind: 'denied' | 'absent' | 'conflict' | 'wrong' | 'throttled' | 'unreachable'
  /** Graph's code, such as `Authorization_RequestDenied`; '' when it did not answer. */
  readonly code: string
  readonly why: string
}
export type GraphAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly trouble: GraphTrouble }

export type Graph = {
  get<T>(path: string, shape: z.ZodType<T>): Promise<GraphAnswer<T>>
  /** All pages. */
  list<T>(path: string, shape: z.ZodType<T>): Promise<GraphAnswer<readonly T[]>>
  /** Not tried again when it may have been done: the answer is then `unreachable`. */
  post<T>(path: string, body: unknown, shape: z.ZodType<T>): Promise<GraphAnswer<T>>
  patch(path: string, body: unknown): Promise<GraphAnswer<undefined>>
}

export const publicGraph = 'https://graph.microsoft.com/v1.0'
const requestMs = 60_000
/** An answer larger than that is none that we asked for. */
const mostBytes = 32 * 1024 * 1024
const mostPages = 10_000

export function makeGraph(o: GraphOptions): Graph {
  const base = o.base.replace(/\/$/, '')
  const send = (method: string, path: string, body?: unknown) => ask(o, method, `${base}${path}`, body)
  return {
    get: async (path, shape) => checked(await send('GET', path), shape),
    list: (path, shape) => pages(o, `${base}${path}`, shape),
    post: async (path, body, shape) => checked(await send('POST', path, body), shape),
    async patch(path, body) {
      const answer = await send('PATCH', path, body)
      return answer.ok ? { ok: true, value: undefined } : answer
    },
  }
}

async function pages<T>(o: GraphOptions, first: string, shape: z.ZodType<T>): Promise<GraphAnswer<readonly T[]>> {
  const page = z.object({ value: z.array(shape), '@odata.nextLink': z.url().optional() })
  const all: T[] = []
  let next: string | undefined = first
  for (let count = 0; next !== undefined && count < mostPages; count += 1) {
    if (new URL(next).origin !== new URL(first).origin)
      return trouble('wrong', '', `the next page lies elsewhere: ${new URL(next).origin}`)
    const answer: GraphAnswer<z.infer<typeof page>> = checked(await ask(o, 'GET', next), page)
    if (!answer.ok) return answer
    all.push(...answer.value.value)
    next = answer.value['@odata.nextLink']
  }
  return { ok: true, value: all }
}

function checked<T>(answer: GraphAnswer<unknown>, shape: z.ZodType<T>): GraphAnswer<T> {
  if (!answer.ok) return answer
  const read = shape.safeParse(answer.value)
  if (read.success) return { ok: true, value: read.data }
  return trouble('wrong', '', `the answer is not what was asked for: ${z.prettifyError(read.error).slice(0, 300)}`)
}

async function ask(o: GraphOptions, method: string, url: string, body?: unknown): Promise<GraphAnswer<unknown>> {
  const giveUpAt = Date.now() + (o.patienceMs ?? 120_000)
  for (let tries = 1; ; tries += 1) {
    const token = await o.token()
    if (!token.ok) return token
    const response = await request(o, method, url, token.value, body)
    if (typeof response === 'string') return trouble('unreachable', '', response)
    const waitMs = waitOf(response, tries)
    if (waitMs === undefined) return await understood(response)
    await response.body?.cancel()
    if (Date.now() + waitMs > giveUpAt)
      return trouble('throttled', String(response.status), `Graph asks to wait ${Math.ceil(waitMs / 1000)} s more`)
    await sleep(waitMs, undefined, o.signal === undefined ? {} : { signal: o.signal })
  }
}

async function request(
  o: GraphOptions,
  method: string,
  url: string,
  token: string,
  body: unknown,
): Promise<Response | string> {
  const late = AbortSignal.timeout(requestMs)
  try {
    return await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: o.signal === undefined ? late : AbortSignal.any([late, o.signal]),
    })
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return `${new URL(url).host} did not answer: ${cause instanceof Error ? cause.message : String(cause)}`
  }
}

/** "Microsoft Graph throttling guidance": 429, 503 and 504 say when to come again; without a word, longer each time. */
function waitOf(response: Response, tries: number): number | undefined {
  if (![429, 503, 504].includes(response.status)) return undefined
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : Math.min(60_000, 1000 * 2 ** tries)
}

const refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

async function understood(response: Response): Promise<GraphAnswer<unknown>> {
  const text = await bounded(response)
  if (text === undefined) return trouble('wrong', '', `the answer is larger than ${mostBytes} bytes`)
  const json = parsed(text)
  if (response.ok) return { ok: true, value: json }
  const said = refusal.safeParse(json)
  const { code, message } = said.success ? said.data.error : { code: '', message: `status ${response.status}` }
  return trouble(kindOf(response.status), code, message)
}

async function bounded(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > mostBytes) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function kindOf(status: number): GraphTrouble['kind'] {
  if (status === 401 || status === 403) return 'denied'
  if (status === 404) return 'absent'
  if (status === 409) return 'conflict'
  return status >= 500 ? 'unreachable' : 'wrong'
}

export const trouble = (kind: GraphTrouble['kind'], code: string, why: string): GraphAnswer<never> => ({
  ok: false,
  trouble: { kind, code, why },
})
