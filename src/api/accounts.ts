/** Accounts in a tenant, and the domain that they are in, by Microsoft Graph. */
import { z } from 'zod'
import { domainKey } from '../mail/address/address.ts'
import { type Created, createAccounts, planAccounts, prepareDomain } from '../migrate/accounts/accounts.ts'
import { audited } from './audited.ts'
import { type Api, type Desk, nothing } from './desk.ts'
import { accessSchema, granted, graphFor } from './tenant-access.ts'

/** Temporary passwords lie in the vault, apart from the secrets of the project, until they are handed out. */
const kind = 'account'

const text = (most: number) => z.string().max(most)
const account = z.strictObject({
  line: z.int(),
  userPrincipalName: z.string().min(3).max(113),
  displayName: z.string().min(1).max(256),
  given: text(64),
  family: text(64),
  department: text(64),
  jobTitle: text(128),
  mobilePhone: text(64),
  aliases: z.array(text(320)).max(500).readonly(),
})
const settings = z.strictObject({
  usageLocation: z.string().regex(/^[A-Z]{2}$/, 'two capital letters, such as DE'),
  licence: text(100).optional().describe('skuPartNumber, such as O365_BUSINESS_ESSENTIALS; absent: no licence'),
})
/** So many at a time that an answer comes before anybody gives up waiting for it. */
export const mostAccounts = { planned: 50_000, created: 20 }
const body = z.strictObject({
  access: accessSchema,
  accounts: z.array(account).max(mostAccounts.planned).readonly(),
  settings,
})

const step = z.object({
  account: z.object({ line: z.number(), userPrincipalName: z.string(), displayName: z.string() }),
  action: z.enum(['create', 'complete', 'none', 'conflict']),
  why: z.string(),
})
export const accountPlanSchema = z.object({
  steps: z.array(step).readonly(),
  licence: z.object({ skuId: z.string(), name: z.string(), free: z.number(), needed: z.number() }).optional(),
  obstacles: z.array(z.object({ why: z.string(), remedy: z.string() })).readonly(),
})
const created = z.object({
  userPrincipalName: z.string(),
  outcome: z.enum(['created', 'completed', 'none', 'conflict', 'failed']),
  why: z.string(),
})
export const createdSchema = z.object({
  accounts: z.array(created).readonly(),
  passwords: z.number().describe('Not handed out yet'),
})
export const passwordsSchema = z.object({
  passwords: z.array(z.object({ userPrincipalName: z.string(), password: z.string() })).readonly(),
})
export const domainStateSchema = z.object({
  domain: z.string(),
  isVerified: z.boolean(),
  record: z.object({ name: z.string(), type: z.literal('TXT'), value: z.string(), ttl: z.number() }).optional(),
  seen: z.array(z.string()).readonly(),
  said: z.array(z.string()).readonly(),
})

export function accountsResource(api: Api, desk: Desk): void {
  const plan = {
    summary: 'What is to be done for these accounts; nothing is changed',
    body,
    response: { 200: accountPlanSchema },
  }
  api.post('/v1/accounts/plan', { schema: plan, config: { changes: nothing } }, async (request) => {
    const { access, accounts, settings: wanted } = request.body
    return granted(await planAccounts(graphFor(desk, access), accounts, said(wanted)))
  })

  const few = body.extend({ accounts: z.array(account).min(1).max(mostAccounts.created).readonly() })
  const create = { summary: 'Make these accounts, or complete them', body: few, response: { 200: createdSchema } }
  api.post('/v1/accounts', { schema: create, config: { changes: 'accounts.create' } }, (request) => {
    const { access, accounts, settings: wanted } = request.body
    const names = accounts.map((one) => one.userPrincipalName).join(', ')
    return audited(
      desk,
      request,
      names,
      async ({ by }) => {
        const graph = graphFor(desk, access)
        const planned = granted(await planAccounts(graph, accounts, said(wanted)))
        const done: Created[] = []
        const store = {
          keep: (name: string, password: string) => void desk.vault.write(kind, name, Buffer.from(password), by),
          forget: (name: string) => void desk.vault.remove(kind, name),
        }
        await createAccounts(graph, planned, said(wanted), store, (one) => void done.push(one))
        return { accounts: done, passwords: desk.vault.list(kind).length }
      },
      ({ accounts: done }) => ({ after: done.map((one) => `${one.userPrincipalName} ${one.outcome}`).join(', ') }),
    )
  })

  const handOut = {
    summary: 'The temporary passwords, once: they are forgotten with the answer',
    body: z.strictObject({}),
    response: { 200: passwordsSchema },
  }
  api.post('/v1/accounts/passwords', { schema: handOut, config: { changes: 'accounts.passwords' } }, (request, reply) =>
    audited(
      desk,
      request,
      'temporary passwords',
      () => {
        const passwords = desk.vault.list(kind).flatMap(({ name }) => {
          const found = desk.vault.read(kind, name)
          return found.kind === 'found' ? [{ userPrincipalName: name, password: found.value.toString() }] : []
        })
        // Only once the answer is on its way: whoever asked and was cut off asks again.
        reply.raw.once('finish', () => {
          for (const { userPrincipalName } of passwords) desk.vault.remove(kind, userPrincipalName)
        })
        return { passwords }
      },
      ({ passwords }) => ({ before: `${passwords.length} kept`, after: 'handed out' }),
    ),
  )

  const domainBody = z.strictObject({
    access: accessSchema,
    domain: text(253).refine((name) => domainKey(name) !== '', 'a domain such as contoso.com'),
  })
  const domain = {
    summary: 'Add, show, look for, verify: whatever is next for a domain',
    body: domainBody,
    response: { 200: domainStateSchema },
  }
  api.post('/v1/accounts/domain', { schema: domain, config: { changes: 'accounts.domain' } }, (request) => {
    const name = domainKey(request.body.domain)
    return audited(
      desk,
      request,
      name,
      async () => granted(await prepareDomain(graphFor(desk, request.body.access), desk.resolver, name)),
      (state) => ({ after: state.said.join('; ') }),
    )
  })
}

const said = ({ usageLocation, licence }: z.infer<typeof settings>) => ({
  usageLocation,
  ...(licence === undefined ? {} : { licence }),
})
