/** Problem details (RFC 9457): what went wrong and what to do, the same shape for every resource. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Problem as ProjectProblem } from '../project/project.ts'
import { NotDone } from '../queue/queue.ts'
import { failureOf, isAboutTheStatement } from '../store/store.ts'
import type { Desk } from './desk.ts'

/** Thrown by a resource; becomes its answer. `detail` says what to do. */
export class Problem extends Error {
  readonly status: number
  readonly detail: string
  readonly problems: readonly ProjectProblem[]
  /** The word of the query that it is about. */
  readonly field: string | undefined
  constructor(status: number, title: string, detail: string, problems: readonly ProjectProblem[] = [], field?: string) {
    super(title)
    this.status = status
    this.detail = detail
    this.problems = problems
    this.field = field
  }
}

export function onProblem({ log, disk }: Pick<Desk, 'log' | 'disk'>) {
  return (error: FastifyError | Problem, request: FastifyRequest, reply: FastifyReply) => {
    const problem = asProblem(error, disk.isLow)
    if (problem.status >= 500) log('error', 'api', { url: request.url, error: String(error.stack ?? error) })
    const { status, message: title, detail, problems, field } = problem
    const body = {
      status,
      title,
      detail,
      ...(field === undefined ? {} : { field }),
      ...(problems.length === 0 ? {} : { problems }),
    }
    return reply.code(status).type('application/problem+json').send(JSON.stringify(body))
  }
}

function asProblem(error: FastifyError | Problem, isLow: boolean): Problem {
  if (error instanceof Problem) return error
  if (error instanceof NotDone) return notStored('the queue', error.message, error.isFull)
  if (!isAboutTheStatement(error)) {
    const { why, isFull } = failureOf(error)
    return notStored('the gateway', why, isFull || isLow)
  }
  const status = error.statusCode ?? 500
  if (status >= 500) return new Problem(500, 'the gateway failed to answer', 'the log of the gateway says why')
  return inQuery(error) ?? new Problem(status, error.message, askedFor)
}

/** In the words of whoever wrote the query; the command line makes its option of the field. */
function inQuery({ validation, validationContext }: FastifyError): Problem | undefined {
  const [first] = validation ?? []
  const field = first?.instancePath.split('/')[1]
  if (validationContext !== 'querystring' || field === undefined || field === '') return undefined
  const text = (first?.message ?? 'it does not fit').replace(/^Invalid option: expected one of /, 'one of ')
  return new Problem(400, text.replaceAll('|', ', ').replaceAll('"', ''), askedFor, [], field)
}

const askedFor = 'the schema of each request is at /v1/openapi.json'

/** RFC 4918 section 11.5: 507 where there is no room. What was asked has not happened. */
function notStored(what: string, why: string, isFull: boolean): Problem {
  const detail = isFull ? 'free space on the disk of the data folder, then ask again' : 'ask again in a moment'
  return new Problem(isFull ? 507 : 503, `${what} could not store this: ${why}`, detail)
}
