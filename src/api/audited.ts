/** Doing what changes something, so that it is known afterwards who did it. */
import type { FastifyRequest } from 'fastify'
import type { Desk } from './desk.ts'
import { Problem } from './problem.ts'

/** How it was before and is now, in words; secrets never. */
export type Told = { readonly before?: string; readonly after: string }

export type Actor = { readonly by: string; readonly from: string }

/** Who proved itself, and in brackets who that says it is for: the token is one, those who may read it are several. */
export function actorOf(request: FastifyRequest): Actor {
  const header = request.headers['causeway-operator']
  const name = typeof header === 'string' ? header.replaceAll(/[^\p{L}\p{N}._@\\-]/gu, '').slice(0, 64) : ''
  return { by: name === '' ? 'api' : `api (${name})`, from: request.ip }
}

/**
 * Does the work and writes one record. The log hears of it before: were the gateway killed in between, that line stays. What
 * is refused changes nothing and is no record.
 */
export async function audited<T>(
  desk: Desk,
  request: FastifyRequest,
  object: string,
  work: (actor: Actor) => T | Promise<T>,
  tell: (result: T) => Told,
): Promise<T> {
  const what = request.routeOptions.config.changes
  if (what === undefined) throw new Error(`${request.method} ${request.routeOptions.url} does not say what it changes`)
  const actor = actorOf(request)
  desk.log('info', 'asked by an operator', { what, object, ...actor })
  const result = await work(actor)
  record(desk, { ...actor, what, object, before: '', ...tell(result) })
  return result
}

function record(desk: Desk, entry: Parameters<Desk['audit']['add']>[0]): void {
  try {
    const { id, hash } = desk.audit.add(entry)
    desk.log('info', 'audit', { id, hash, ...entry })
  } catch (error) {
    desk.log('error', 'audit', { error: String(error), ...entry })
    throw new Problem(
      500,
      'it was done, but could not be written to the audit',
      'the log of the gateway has the whole record; look at the disk of the data folder',
    )
  }
}
