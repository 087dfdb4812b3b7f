/** Secrets that the project names as `vault:NAME`: they can be set and removed, and nobody is ever shown one. */
import { z } from 'zod'
import { secretPlaces } from '../project/project.ts'
import { judgeKey, leastBits } from '../secrets/secrets.ts'
import { type Listed, longestName, secretName } from '../secrets/vault/vault.ts'
import { type Actor, audited } from './audited.ts'
import type { Api, Desk } from './desk.ts'
import { Problem } from './problem.ts'

/** The vault keeps what belongs to the project apart from Causeway's own. */
const kind = 'project'
/** As large as the largest file that a project names for a secret: a PFX. */
const maxBytes = 64 * 1024

const name = z
  .string()
  .max(longestName)
  .regex(secretName, 'letters, digits, dots, hyphens and underscores, and slashes between them')
const params = z.object({ name })
const secret = z.object({
  name: z.string(),
  version: z.number().describe('1 at first, one more with each value'),
  at: z.iso.datetime(),
  by: z.string(),
  places: z.array(z.string()).readonly().describe('Where the project names it'),
})
export const secretsSchema = z.object({
  secrets: z.array(secret).readonly(),
  keyId: z.string().describe('Which master key they are under; says nothing about it'),
})
export const secretSetSchema = secret
export const rotatedSchema = z.object({ keyId: z.string(), secrets: z.number() })
const body = z.object({
  value: z
    .base64()
    .max(Math.ceil(maxBytes / 3) * 4)
    .describe('In base64, so that it may be a file of any kind'),
})

export function secretsResource(api: Api, desk: Desk): void {
  const list = { summary: 'Names of the secrets, never their values', response: { 200: secretsSchema } }
  api.get('/v1/secrets', { schema: list }, () => {
    const secrets = desk.vault.list(kind).map((one) => shown(desk, one))
    return { secrets, keyId: desk.vault.keyId }
  })

  const set = { summary: 'Set a secret; what it was before is gone', params, body, response: { 200: secretSetSchema } }
  api.put('/v1/secrets/:name', { schema: set, config: { changes: 'secret.set' } }, async (request) => {
    const { name: id } = request.params
    const value = Buffer.from(request.body.value, 'base64')
    const before = versionOf(desk, id)
    const work = ({ by }: Actor): number => setSecret(desk, id, value, by)
    await audited(desk, request, id, work, (version) => ({ before, after: `version ${version}` }))
    return knownSecret(desk, id)
  })

  const remove = { summary: 'Remove a secret', params, response: { 200: z.object({ name: z.string() }) } }
  api.delete('/v1/secrets/:name', { schema: remove, config: { changes: 'secret.remove' } }, async (request) => {
    const known = knownSecret(desk, request.params.name)
    if (known.places.length > 0)
      throw new Problem(
        409,
        `the project names ${known.name}`,
        `it stands at ${known.places.join(', ')}; apply a project without it first`,
      )
    const work = () => desk.vault.remove(kind, known.name)
    await audited(desk, request, known.name, work, () => ({ before: `version ${known.version}`, after: 'none' }))
    return { name: known.name }
  })

  const rotate = { summary: 'Take a new master key and wrap every secret in it', response: { 200: rotatedSchema } }
  api.post('/v1/secrets/rotate-key', { schema: rotate, config: { changes: 'secret.rotate-key' } }, (request) => {
    const before = desk.vault.keyId
    return audited(
      desk,
      request,
      'master key',
      () => rotated(desk),
      ({ keyId }) => ({ before, after: keyId }),
    )
  })
}

function shown(desk: Desk, { name: id, version, at, by }: Listed) {
  const project = desk.live.current()
  const places = project === undefined ? [] : (secretPlaces(project).get(id) ?? [])
  return { name: id, version, at: new Date(at).toISOString(), by, places }
}

function knownSecret(desk: Desk, id: string) {
  const found = desk.vault.list(kind).find((one) => one.name === id)
  if (found !== undefined) return shown(desk, found)
  throw new Problem(404, `there is no secret ${id}`, 'causeway secret list')
}

function versionOf(desk: Desk, id: string): string {
  const found = desk.vault.list(kind).find((one) => one.name === id)
  return found === undefined ? 'none' : `version ${found.version}`
}

/** Where the project names it, it is tried first: a value that cannot be used would keep the gateway from its next start. */
function setSecret(desk: Desk, id: string, value: Buffer, by: string): number {
  demandKey(id, value)
  const project = desk.live.current()
  const isUsed = project !== undefined && secretPlaces(project).has(id)
  if (isUsed) {
    const tried = desk.live.reread((other) => (other === id ? { kind: 'found', value } : desk.vault.read(kind, other)))
    if (!tried.ok)
      throw new Problem(
        409,
        `the project cannot use this value of ${id}`,
        'nothing was changed; a PFX and its password are exchanged under new names, by applying a project that has these',
        tried.problems,
      )
  }
  try {
    return desk.vault.write(kind, id, value, by)
  } catch (error) {
    if (isUsed) desk.live.reread()
    throw error
  }
}

/** Keys are looked for under these names as soon as a project has their domain: what lies there must be one by then. */
function demandKey(id: string, value: Buffer): void {
  const judged = id.startsWith('dkim/') ? judgeKey(value, undefined, leastBits.taken) : undefined
  if (judged?.ok === false)
    throw new Problem(409, `names under dkim/ are for DKIM keys, and this value ${judged.why}`, 'nothing was changed')
}

function rotated(desk: Desk): z.infer<typeof rotatedSchema> {
  const answer = desk.vault.rotate()
  if (!answer.ok) throw new Problem(409, 'the master key stays as it is', answer.why)
  return { keyId: answer.keyId, secrets: answer.secrets }
}
