/** What has to be done so that every account of the list is there with a licence, seen against what the tenant has. */
import { z } from 'zod'
import type { Graph, GraphAnswer } from '../../tenants/graph/graph.ts'
import type { Account } from './account.ts'

export type AccountSettings = {
  /** ISO 3166-1, two letters; without it no licence can be given. */
  readonly usageLocation: string
  /** `skuPartNumber` such as O365_BUSINESS_ESSENTIALS; absent: no licence is given. */
  readonly licence?: string
}

export type Step = {
  readonly account: Account
  readonly action: 'create' | 'complete' | 'none' | 'conflict'
  /** What is missing of one that is there, or who has the address. */
  readonly why: string
  /** Of one that is there. */
  readonly id?: string
  readonly wantsLicence: boolean
}

export type AccountPlan = {
  readonly steps: readonly Step[]
  readonly licence?: { readonly skuId: string; readonly name: string; readonly free: number; readonly needed: number }
  /** Why it cannot be carried out as it stands. */
  readonly obstacles: readonly { readonly why: string; readonly remedy: string }[]
}

const userShape = z.object({
  id: z.string(),
  userPrincipalName: z.string(),
  displayName: z.string().nullish(),
  usageLocation: z.string().nullish(),
  proxyAddresses: z.array(z.string()).default([]),
  assignedLicenses: z.array(z.object({ skuId: z.string() })).default([]),
})
type User = z.infer<typeof userShape>
const skuShape = z.object({
  skuId: z.string(),
  skuPartNumber: z.string(),
  consumedUnits: z.number(),
  prepaidUnits: z.object({ enabled: z.number() }),
})
const domainShape = z.object({ id: z.string(), isVerified: z.boolean() })

const wanted = 'id,userPrincipalName,displayName,usageLocation,proxyAddresses,assignedLicenses'

export async function planAccounts(
  graph: Graph,
  accounts: readonly Account[],
  settings: AccountSettings,
): Promise<GraphAnswer<AccountPlan>> {
  const users = await graph.list(`/users?$select=${wanted}&$top=999`, userShape)
  if (!users.ok) return users
  const skus = settings.licence === undefined ? undefined : await graph.list('/subscribedSkus', skuShape)
  if (skus?.ok === false) return skus
  const obstacles: { why: string; remedy: string }[] = []
  const sku = skus?.value.find((one) => one.skuPartNumber.toUpperCase() === settings.licence?.toUpperCase())
  if (skus !== undefined && sku === undefined) {
    const there = skus.value.map((one) => one.skuPartNumber).join(', ') || 'none'
    obstacles.push({ why: `the tenant has no licence ${settings.licence}`, remedy: `it has: ${there}` })
  }
  obstacles.push(...(await unverified(graph, accounts)))
  const index = indexOf(users.value)
  const steps = accounts.map((account) => stepOf(account, index, sku?.skuId))
  if (sku === undefined) return { ok: true, value: { steps, obstacles } }
  const needed = steps.filter((step) => step.wantsLicence).length
  const free = sku.prepaidUnits.enabled - sku.consumedUnits
  if (needed > free)
    obstacles.push({
      why: `${needed} licences ${sku.skuPartNumber} are needed, ${free} are free`,
      remedy: 'buy more, or make fewer accounts at a time',
    })
  return { ok: true, value: { steps, obstacles, licence: { skuId: sku.skuId, name: sku.skuPartNumber, free, needed } } }
}

/** Each domain has to be the tenant's own before an account can be in it. */
async function unverified(
  graph: Graph,
  accounts: readonly Account[],
): Promise<readonly { why: string; remedy: string }[]> {
  const domains = [...new Set(accounts.map((account) => domainOf(account.userPrincipalName)))]
  const found: { why: string; remedy: string }[] = []
  for (const domain of domains) {
    const answer = await graph.get(`/domains/${encodeURIComponent(domain)}`, domainShape)
    if (answer.ok && answer.value.isVerified) continue
    const why = answer.ok
      ? `${domain} is not verified in the tenant`
      : answer.trouble.kind === 'absent'
        ? `${domain} is no domain of the tenant`
        : `${domain}: ${answer.trouble.why}`
    found.push({ why, remedy: `causeway migrate domain ${domain}` })
  }
  return found
}

const domainOf = (upn: string): string => upn.slice(upn.lastIndexOf('@') + 1).toLowerCase()

type Index = { readonly byName: ReadonlyMap<string, User>; readonly byAddress: ReadonlyMap<string, User> }

const indexOf = (users: readonly User[]): Index => ({
  byName: new Map(users.map((user) => [user.userPrincipalName.toLowerCase(), user])),
  byAddress: new Map(
    users.flatMap((user) => user.proxyAddresses.map((one) => [one.toLowerCase().replace(/^smtp:/, ''), user] as const)),
  ),
})

function stepOf(account: Account, { byName, byAddress }: Index, skuId: string | undefined): Step {
  const name = account.userPrincipalName.toLowerCase()
  const user = byName.get(name)
  const wantsLicence = skuId !== undefined
  if (user === undefined) {
    const owner = byAddress.get(name)
    if (owner === undefined) return { account, action: 'create', why: '', wantsLicence }
    return {
      account,
      action: 'conflict',
      why: `the address belongs to ${owner.userPrincipalName}`,
      wantsLicence: false,
    }
  }
  const lacksLicence = wantsLicence && !user.assignedLicenses.some((one) => one.skuId === skuId)
  const missing = [
    ...((user.usageLocation ?? '') === '' ? ['usage location'] : []),
    ...(lacksLicence ? ['licence'] : []),
  ]
  const found = { account, id: user.id, wantsLicence: lacksLicence }
  if (missing.length === 0) return { ...found, action: 'none', why: 'is there' }
  return { ...found, action: 'complete', why: `is there without ${missing.join(' and ')}` }
}
