/** What would happen to a message, by the project and the keys of the running gateway. */
import { z } from 'zod'
import { askExplanation } from '../relay/explain/explain.ts'
import { type Api, type Desk, nothing } from './desk.ts'
import { existingKeys, keyVault } from './keys.ts'
import { Problem } from './problem.ts'
import { currentProject } from './project.ts'

const question = z.object({
  from: z.string().describe('Envelope sender; <> is the null sender'),
  to: z.array(z.string()).min(1),
  peer: z.string().optional().describe('tenant:NAME or internet'),
  message: z.string().optional().describe('The message in base64'),
  dns: z
    .boolean()
    .default(false)
    .describe('Ask for the MX of what goes out directly, and where mail from the internet comes from'),
  client: z.string().optional().describe('Address that mail from the internet comes from: SPF is left out without it'),
  helo: z.string().optional().describe('Name in its EHLO: SPF of the null sender is left out without it'),
})

const address = z.object({ given: z.string(), rewritten: z.string(), entry: z.string().nullable() })
const delivery = z.object({
  side: z.enum(['inside', 'outside']),
  by: z.enum(['tenant', 'return', 'handover', 'direct', 'smarthost']),
  tenant: z.string().optional(),
  nextHop: z.object({ host: z.string(), port: z.number() }),
  mailFrom: address,
  recipients: z.array(address).readonly(),
  changes: z.array(z.object({ field: z.string(), old: z.string(), new: z.string(), entry: z.string() })).readonly(),
  signed: z.array(z.object({ domain: z.string(), selector: z.string() })).readonly(),
  file: z.string().optional(),
  reasons: z.array(z.string()).readonly(),
})
/** The command line prints it with --json; there the reasons of the copies stand with the others. */
export const explanationSchema = z.object({
  peer: z.string(),
  refused: z.object({ code: z.number(), enhanced: z.string(), text: z.string(), why: z.string() }).optional(),
  notChecked: z
    .object({
      checks: z.array(z.enum(['spf', 'dkim', 'dmarc', 'arc'])).readonly(),
      why: z.string(),
      remedy: z.string(),
    })
    .optional()
    .describe('What the gateway would check and the explanation did not'),
  deliveries: z.array(delivery).readonly(),
  reasons: z.array(z.string()).readonly(),
})
export const explainAnswerSchema = z.object({
  explanation: explanationSchema,
  copies: z.array(z.string()).describe('Each copy as it would leave, in base64'),
})

export function explainResource(api: Api, desk: Desk): void {
  const schema = {
    summary: 'What would happen to this message, and why',
    body: question,
    response: { 200: explainAnswerSchema },
  }
  api.post('/v1/explain', { schema, config: { changes: nothing } }, async ({ body }) => {
    const { message, dns, ...ask } = body
    const asked = await askExplanation(
      { ...ask, ...(message === undefined ? {} : { message: Buffer.from(message, 'base64') }) },
      {
        project: currentProject(desk),
        keys: existingKeys(keyVault(desk.vault)),
        passKey: desk.passKey,
        now: desk.now(),
        ...(dns ? { resolver: desk.resolver } : {}),
      },
    )
    if (!asked.ok) throw new Problem(400, 'this cannot be explained', asked.why)
    return { explanation: asked.explanation, copies: asked.copies.map((c) => Buffer.concat(c).toString('base64')) }
  })
}
