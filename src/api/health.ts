/** Health with what an operator should look at, readiness, and figures in the text format of Prometheus. */
import { z } from 'zod'
import { hasDescriptor } from '../relay/listen/listen.ts'
import { queuePart } from '../relay/relay.ts'
import type { Api, Desk } from './desk.ts'
import { metricsText } from './metrics.ts'
import { makeStanding, warningSchema } from './standing.ts'

const ready = z.object({ ok: z.boolean(), why: z.array(z.string()) })
const health = ready.extend({ warnings: z.array(warningSchema).readonly().describe('What an operator should look at') })

export function healthResource(api: Api, desk: Desk): void {
  const standing = makeStanding(desk)
  api.get(
    '/v1/health',
    {
      schema: {
        summary: 'Is the process alive, and what should be looked at?',
        security: [],
        response: { 200: health },
      },
      config: { isOpen: true },
    },
    async () => ({ ok: true, why: [], warnings: (await standing()).warnings }),
  )
  api.get(
    '/v1/ready',
    {
      schema: { summary: 'Does it take mail?', security: [], response: { 200: ready, 503: ready } },
      config: { isOpen: true },
    },
    async (_, reply) => {
      const why = unready(desk)
      reply.code(why.length === 0 ? 200 : 503)
      return { ok: why.length === 0, why }
    },
  )
  const figures = {
    summary: 'Figures in the text format of Prometheus',
    security: [],
    produces: ['text/plain'],
    response: { 200: z.string() },
  }
  api.get('/metrics', { schema: figures, config: { isOpen: true } }, async (_, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8')
    return metricsText(desk, await standing())
  })
}

function unready(desk: Desk): string[] {
  const why: string[] = []
  const { isListening, full } = desk.figures()
  if (!isListening) why.push('the SMTP listener is not open')
  if (full !== undefined) why.push(`new connections are answered ${full}`)
  // It is asked over a connection that has one: whoever comes after it has not.
  if (!hasDescriptor()) why.push('no file descriptor is left: new connections are closed unanswered (ulimit -n)')
  if (desk.live.current() === undefined) why.push('no project is applied: causeway apply FILE')
  if (desk.disk.isLow) why.push(`new mail is answered 452: ${desk.disk.why}`)
  if (queuePart(desk.queue.figures) >= 1) why.push('new mail is answered 452: the queue holds as much as it may')
  return why
}
