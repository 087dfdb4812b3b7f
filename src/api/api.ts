/**
 * The API that the command line and the console use: HTTP on a loopback address, one file for each resource.
 *
 * Promises: what is asked and answered has a schema, published as an OpenAPI document; a request without the token learns
 *   nothing but health, readiness and counts.
 * Never: listens beyond the loopback, shows a secret, or does half of what was asked.
 * On failure: an answer of RFC 9457 (problem details) that names the thing and says what to do.
 */
import { BlockList, isIP } from 'node:net'
import swagger from '@fastify/swagger'
import { fastify } from 'fastify'
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { longestName } from '../secrets/vault/vault.ts'
import { accountsResource } from './accounts.ts'
import { attemptsResource } from './attempts.ts'
import { auditResource } from './audit.ts'
import { contactsResource } from './contacts.ts'
import type { Api, Desk } from './desk.ts'
import { directoryResource } from './directory.ts'
import { dkimResource } from './dkim.ts'
import { domainResource } from './domain.ts'
import { explainResource } from './explain.ts'
import { healthResource } from './health.ts'
import { migrationsResource } from './migrations.ts'
import { migrationsChangeResource } from './migrations-change.ts'
import { onProblem, Problem } from './problem.ts'
import { projectResource } from './project.ts'
import { queueResource } from './queue.ts'
import { queueChangeResource } from './queue-change.ts'
import { releaseResource } from './release.ts'
import { secretsResource } from './secrets.ts'
import { traceResource } from './trace.ts'

export { accountPlanSchema, createdSchema, domainStateSchema, mostAccounts, passwordsSchema } from './accounts.ts'
export { attemptsPageSchema, attemptsSettledSchema, statusText } from './attempts.ts'
export { auditPageSchema, verdictSchema } from './audit.ts'
export { contactSchema, contactsPutSchema, mostContacts } from './contacts.ts'
export type { Desk, Figures } from './desk.ts'
export { prepareAllKeys } from './dkim-keys.ts'
export { domainModeSchema } from './domain.ts'
export { explainAnswerSchema } from './explain.ts'
export { existingKeys, keyVault, makeKeyRing } from './keys.ts'
export { proposedSchema, reportSchema } from './migrations.ts'
export { orderedSchema } from './migrations-change.ts'
export { reportPost } from './migrations-post.ts'
export { batchesSchema, batchSchema, userDetailSchema, userSchema, usersSchema } from './migrations-shape.ts'
export { lanesSchema, queuePageSchema, queueTotalsSchema } from './queue.ts'
export { previewSchema, touchedSchema } from './queue-change.ts'
export { queueItemSchema } from './queue-item.ts'
export { releaseEndedSchema, releaseSchema } from './release.ts'
export { rotatedSchema, secretSetSchema, secretsSchema } from './secrets.ts'
export { span } from './time.ts'
export { eventSchema } from './trace.ts'

export type RunningApi = { readonly host: string; readonly port: number; close(): Promise<void> }

const resources = [
  healthResource,
  projectResource,
  directoryResource,
  domainResource,
  dkimResource,
  traceResource,
  explainResource,
  auditResource,
  queueResource,
  queueChangeResource,
  releaseResource,
  attemptsResource,
  secretsResource,
  migrationsResource,
  migrationsChangeResource,
  accountsResource,
  contactsResource,
]
/** A message for `explain`, in base64. */
const bodyLimit = 256 * 1024 * 1024

/** Throws where `at` is beyond the loopback: the token travels in the clear. */
export async function startApi(desk: Desk, at: { readonly host: string; readonly port: number }): Promise<RunningApi> {
  if (!isLoopback(at.host)) throw new Error(`the API listens on a loopback address only, not on ${at.host}`)
  const app = buildApi(desk)
  await app.listen(at)
  const bound = app.server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : at.port
  return { host: at.host, port, close: () => closed(app) }
}

/** What is being answered may end; who has begun to ask, and does not go on, would be waited for by the minute. */
const lastAnswersMs = 2000

async function closed(app: ReturnType<typeof buildApi>): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), lastAnswersMs)
  await app.close()
  clearTimeout(cut)
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Is this an address, or the name, of this machine for itself? */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  return family === 0 ? host.toLowerCase() === 'localhost' : loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * A page of the web that an operator looks at may call us by a name of its own that leads to the loopback (DNS rebinding), and read what
 * needs no token. No browser leaves the name out.
 */
function isOwnName(host: string | undefined): boolean {
  return host === undefined || isLoopback(host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'))
}

/** A filter in a query may name thousands of messages by their ids; Node's own limit is 16 kB. */
const maxHeaderSize = 512 * 1024

/** Names of secrets are the longest: each slash of theirs takes three characters here. */
const routerOptions = { maxParamLength: 3 * longestName }

/** The API without a socket: tests ask it with `inject`. */
export function buildApi(desk: Desk): Api {
  const app = fastify({
    bodyLimit,
    logger: false,
    http: { maxHeaderSize },
    forceCloseConnections: true,
    routerOptions,
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(onProblem(desk))
  app.setNotFoundHandler(() => {
    throw new Problem(404, 'no such resource', 'the list of resources is at /v1/openapi.json')
  })
  app.addHook('onRequest', async (request) => {
    const { host, authorization } = request.headers
    if (request.routeOptions.config.isOpen !== true || !isOwnName(host)) demandToken(desk, authorization)
  })
  app.addHook('onRoute', ({ method, url, config }) => {
    if (!isReading(method) && config?.changes === undefined) throw new Error(`${url} does not say what it changes`)
  })
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Causeway', version: '1', description: 'The API of the gateway.' },
      components: { securitySchemes },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  })
  app.register(async (scope) => {
    for (const resource of resources) resource(scope.withTypeProvider<ZodTypeProvider>(), desk)
  })
  app.get('/v1/openapi.json', { schema: { hide: true }, config: { isOpen: true } }, () => app.swagger())
  return app
}

const isReading = (method: string | readonly string[]): boolean =>
  [method].flat().every((m) => m === 'GET' || m === 'HEAD')

const securitySchemes = {
  token: { type: 'http', scheme: 'bearer', description: 'The token, which the operator has in DATA/api.token' },
} as const

function demandToken(desk: Desk, header = ''): void {
  const presented = /^Bearer +(\S+)$/i.exec(header)?.[1]
  if (presented !== undefined && desk.isToken(presented)) return
  throw new Problem(
    401,
    'the token is missing or wrong',
    'send `Authorization: Bearer` with the content of api.token in the data directory; `causeway token new`, on the machine of the gateway, makes another',
  )
}
