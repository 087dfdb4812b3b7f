/** The API as the commands use it. */
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { problemText } from '../project/project.ts'
import { isClaimed } from '../store/store.ts'
import { type GatewayPlace, Stop } from './io.ts'

const problem = z.object({
  title: z.string(),
  detail: z.string(),
  field: z.string().optional(),
  problems: z.array(z.object({ file: z.string(), line: z.number(), text: z.string(), remedy: z.string() })).default([]),
})

export type ApiClient = {
  get<T>(path: string, shape: z.ZodType<T>): Promise<T>
  send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, shape: z.ZodType<T>): Promise<T>
  text(path: string): Promise<string>
}

/** Where the API of a data directory is, and its token; both are files that only their owner can read. */
export function connect({ data, tokenFile = join(data, 'api.token') }: GatewayPlace): ApiClient {
  const start = `start the gateway with \`causeway serve --data ${data}\`, or name its data directory with --data`
  const url = readOwn(join(data, 'api.url'), start)
  const token = readOwn(tokenFile, 'name the file of the token with --token-file, or make another: causeway token new')
  // Whoever may run programs on this machine can listen there while the gateway does not, and would be handed the token.
  if (isClaimed(data) === false) throw new Stop(3, `no gateway runs in ${data}; ${start}`)
  const ask = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const headers = {
      authorization: `Bearer ${token}`,
      'causeway-operator': operator(),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await fetch(new URL(path, url), request).catch((error: unknown) => {
      throw new Stop(
        3,
        `the gateway at ${url} does not answer (${reason(error)}); is \`causeway serve --data ${data}\` running?`,
      )
    })
    if (!response.ok) throw await refusal(response)
    return response
  }
  return {
    get: async (path, shape) => shape.parse(await (await ask('GET', path)).json()),
    send: async (method, path, body, shape) => shape.parse(await (await ask(method, path, body)).json()),
    text: async (path) => (await ask('GET', path)).text(),
  }
}

/** For the audit, beside what proves itself: several people may read one token, each perhaps by way of sudo. */
export function operator(): string {
  return (process.env['SUDO_USER'] ?? ownName()).replaceAll(/[^\w.@\\-]/g, '')
}

/** A container may run as a number without a name. */
function ownName(): string {
  try {
    return userInfo().username
  } catch {
    return ''
  }
}

function readOwn(file: string, remedy: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    // What may not be read may well be right: another one would not help.
    const isForbidden = error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM')
    if (isForbidden)
      throw new Stop(3, `cannot read ${file}: not permitted; use sudo, or be the owner of ${dirname(file)}`)
    throw new Stop(3, `cannot read ${file}; ${remedy}`)
  }
}

async function refusal(response: Response): Promise<Stop> {
  const parsed = problem.safeParse(await response.json().catch(() => undefined))
  if (response.status === 431) return new Stop(2, 'too much is named in one command: say it in several')
  if (!parsed.success) return new Stop(3, `the gateway answered ${response.status}`)
  const { title, detail, field, problems } = parsed.data
  if (field !== undefined) return new Stop(2, `${optionOf(field)}: ${title}`)
  const text = [`${title}: ${detail}`, ...problems.map(problemText)].join('\n')
  return new Stop(exitCodeOf(response.status), text)
}

/** Each word of a query is an option: `olderThan` is `--older-than`. */
function optionOf(field: string): string {
  return field === 'ids' ? '--id' : `--${field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** A question that cannot be understood is wrong usage; one that is understood and refused is a no. */
function exitCodeOf(status: number): 1 | 2 | 3 {
  if (status >= 500 || status === 401) return 3
  return status === 400 ? 2 : 1
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
