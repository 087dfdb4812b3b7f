/** An app of a tenant as requests name it, and Microsoft Graph by way of it. */
import { z } from 'zod'
import { appFields, type Credential, isGraph, makeTokens } from '../tenants/entra/entra.ts'
import { type Graph, type GraphAnswer, makeGraph, publicGraph, trouble } from '../tenants/graph/graph.ts'
import type { Desk } from './desk.ts'
import { Problem } from './problem.ts'

export const accessSchema = z.strictObject({
  ...appFields,
  graph: z.url().refine(isGraph, 'no Microsoft Graph').default(publicGraph),
})
export type Access = z.infer<typeof accessSchema>

export function graphFor(desk: Desk, access: Access): Graph {
  // Read at once, so that a name without a value is an answer and not a failed sign-in.
  const credential = credentialOf(desk, access)
  const { authority, tenant, clientId, graph } = access
  const tokens = makeTokens({
    authority,
    tenant,
    clientId,
    scope: `${new URL(graph).origin}/.default`,
    credential: async () => credential,
    now: () => desk.now().getTime(),
  })
  const token = async (): Promise<GraphAnswer<string>> => {
    const answer = await tokens.token()
    return answer.ok
      ? { ok: true, value: answer.token }
      : trouble(answer.mayPass ? 'unreachable' : 'denied', '', answer.why)
  }
  return makeGraph({ base: graph, token })
}

function credentialOf(desk: Desk, { secret, certificate }: Access): Credential {
  if (secret !== undefined && certificate === undefined) return { kind: 'secret', secret: valueOf(desk, secret) }
  if (certificate !== undefined && secret === undefined) return { kind: 'certificate', pem: valueOf(desk, certificate) }
  throw new Problem(
    400,
    'the app needs a secret or a certificate, and not both',
    '--secret vault:NAME or --certificate vault:NAME',
  )
}

function valueOf(desk: Desk, reference: string): string {
  const name = reference.slice('vault:'.length)
  const found = desk.vault.read('project', name)
  if (found.kind === 'found') return found.value.toString('utf8').trim()
  if (found.kind === 'absent') throw new Problem(409, `there is no secret ${name}`, `causeway secret set ${name}`)
  throw new Problem(409, `the secret ${name} cannot be read`, found.why)
}

/** The value, or Graph's refusal as an answer of ours. */
export function granted<T>(answer: GraphAnswer<T>): T {
  if (answer.ok) return answer.value
  const { kind, code, why } = answer.trouble
  const title = `Microsoft Graph: ${why}${code === '' ? '' : ` (${code})`}`
  if (kind === 'denied')
    throw new Problem(
      409,
      title,
      'look at the app in Entra: its secret, its permissions (docs/moving.md), and the consent of an administrator',
    )
  if (kind === 'throttled' || kind === 'unreachable') throw new Problem(503, title, 'ask again in a while')
  throw new Problem(409, title, 'nothing more was done')
}
