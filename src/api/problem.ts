/** Problem details (RFC 9457): what went wrong and what to do, the same shape for every resource. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Problem as ProjectProblem } from '../project/project.ts'
import { NotDone } from '../queue/queue.ts'
import type { Desk } from './desk.ts'

/** Thrown by a resource; becomes its answer. `detail` says what to do. */
export class Problem extends Error {
  readonly status: number
  readonly detail: string
  readonly problems: readonly ProjectProblem[]
  constructor(status: number, title: string, detail: string, problems: readonly ProjectProblem[] = []) {
    super(title)
    this.status = status
    this.detail = detail
    this.problems = problems
  }
}

export function onProblem(log: Desk['log']) {
  return (error: FastifyError | Problem, request: FastifyRequest, reply: FastifyReply) => {
    const problem = asProblem(error)
    if (problem.status >= 500) log('error', 'api', { url: request.url, error: String(error.stack ?? error) })
    const { status, message: title, detail, problems } = problem
    const body = { status, title, detail, ...(problems.length === 0 ? {} : { problems }) }
    return reply.code(status).type('application/problem+json').send(JSON.stringify(body))
  }
}

function asProblem(error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error
  if (error instanceof NotDone) return notStored(error)
  const status = error.statusCode ?? 500
  if (status >= 500) return new Problem(500, 'the gateway failed to answer', 'the log of the gateway says why')
  return new Problem(status, error.message, 'the schema of each request is at /v1/openapi.json')
}

/** RFC 4918 section 11.5: 507 where there is no room. What was asked has not happened. */
function notStored({ message, isFull }: NotDone): Problem {
  const detail = isFull ? 'free space on the disk of the data folder, then ask again' : 'ask again in a moment'
  return new Problem(isFull ? 507 : 503, `the queue could not store this: ${message}`, detail)
}
