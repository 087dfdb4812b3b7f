/** Access tokens by client credentials (RFC 6749 section 4.4), kept until shortly before they end. */
import { signedAssertion } from './assertion.ts'

export type Credential =
  | { readonly kind: 'secret'; readonly secret: string }
  /** PEM: the private key and its certificate. */
  | { readonly kind: 'certificate'; readonly pem: string }

export type TokenOptions = {
  /** `https://login.microsoftonline.com`; tests have their own. */
  readonly authority: string
  readonly tenant: string
  readonly clientId: string
  readonly scope: string
  /** Asked for each request, so that one that was set anew counts at once. */
  readonly credential: () => Promise<Credential>
  readonly now: () => number
  readonly timeoutMs?: number
}

export type TokenAnswer =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly why: string; readonly mayPass: boolean; readonly waitMs?: number }

export type Tokens = {
  token(): Promise<TokenAnswer>
}

/** Tokens of Entra live for 60 to 90 minutes; a log-in must not begin with one that ends on the way. */
const spareMs = 5 * 60_000
/** A refusal is not asked for again by each of a thousand mailboxes. */
const refusedForMs = 15_000

export function makeTokens(o: TokenOptions): Tokens {
  let kept: { readonly token: string; readonly until: number } | undefined
  let refused: { readonly answer: TokenAnswer; readonly until: number } | undefined
  let asking: Promise<TokenAnswer> | undefined

  const renew = async (): Promise<TokenAnswer> => {
    const found = await fetchToken(o)
    if (found.ok) {
      // Never less than a moment, whatever the server says of its life.
      kept = { token: found.token, until: o.now() + Math.max(found.lifeMs - spareMs, 1000) }
      return { ok: true, token: found.token }
    }
    refused = { answer: found, until: o.now() + (found.waitMs ?? refusedForMs) }
    return found
  }
  return {
    async token() {
      if (kept !== undefined && kept.until > o.now()) return { ok: true, token: kept.token }
      if (refused !== undefined && refused.until > o.now()) return refused.answer
      asking ??= renew().finally(() => {
        asking = undefined
      })
      return asking
    },
  }
}

type Fetched =
  | { readonly ok: true; readonly token: string; readonly lifeMs: number }
  | Extract<TokenAnswer, { ok: false }>

const maxAnswerBytes = 256 * 1024

async function fetchToken(o: TokenOptions): Promise<Fetched> {
  const url = `${o.authority.replace(/\/+$/, '')}/${encodeURIComponent(o.tenant)}/oauth2/v2.0/token`
  const form = await formOf(o, url)
  if ('why' in form) return { ok: false, why: form.why, mayPass: false }
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: form.body,
      // Elsewhere the secret has no business.
      redirect: 'error',
      signal: AbortSignal.timeout(o.timeoutMs ?? 30_000),
    })
    return await read(response)
  } catch (error) {
    return { ok: false, why: `${o.authority} does not answer: ${reasonOf(error)}`, mayPass: true }
  }
}

async function formOf(o: TokenOptions, url: string): Promise<{ readonly body: string } | { readonly why: string }> {
  const base = { grant_type: 'client_credentials', client_id: o.clientId, scope: o.scope }
  const credential = await o.credential()
  if (credential.kind === 'secret')
    return { body: new URLSearchParams({ ...base, client_secret: credential.secret }).toString() }
  const signed = signedAssertion({ pem: credential.pem, clientId: o.clientId, audience: url, now: o.now() })
  if (!signed.ok) return { why: signed.why }
  const assertion = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: signed.assertion,
  }
  return { body: new URLSearchParams({ ...base, ...assertion }).toString() }
}

/** RFC 6749 sections 5.1 and 5.2. */
async function read(response: Response): Promise<Fetched> {
  const answer = await jsonOf(response)
  const text = (name: string): string => (typeof answer[name] === 'string' ? answer[name] : '')
  const token = text('access_token')
  if (response.ok && token !== '' && text('token_type').toLowerCase() === 'bearer') {
    const seconds = Number(answer['expires_in'])
    return { ok: true, token, lifeMs: (Number.isFinite(seconds) && seconds > 0 ? seconds : 3600) * 1000 }
  }
  const said = [text('error'), firstLine(text('error_description'))].filter((part) => part !== '').join(': ')
  const why = `Entra gave no token (${response.status}): ${said === '' ? 'without a reason' : said}`
  const mayPass = response.status === 429 || response.status >= 500
  const wait = Number(response.headers.get('retry-after'))
  return { ok: false, why, mayPass, ...(Number.isFinite(wait) && wait > 0 ? { waitMs: wait * 1000 } : {}) }
}

async function jsonOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  try {
    const bytes = await bounded(response)
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

async function bounded(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxAnswerBytes) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The description of Entra goes on with trace numbers; its first line says what is wrong. */
const firstLine = (text: string): string => (text.split(/[\r\n]/)[0] ?? '').replaceAll(/\p{Cc}/gu, ' ').slice(0, 500)

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
