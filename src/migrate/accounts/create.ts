/** Carries out a plan: each account by itself, so that one that fails costs no others, and the whole may be done again. */
import { randomInt } from 'node:crypto'
import { z } from 'zod'
import type { Graph, GraphTrouble } from '../../tenants/graph/graph.ts'
import type { Account } from './account.ts'
import type { AccountPlan, AccountSettings, Step } from './plan.ts'

/** Where temporary passwords lie, encrypted, until they are handed out. */
export type PasswordStore = {
  /** On disk when it returns. */
  keep(userPrincipalName: string, password: string): void
  forget(userPrincipalName: string): void
}

export type Created = {
  readonly userPrincipalName: string
  readonly outcome: 'created' | 'completed' | 'none' | 'conflict' | 'failed'
  readonly why: string
}

/** Before an account is made its password is kept: whatever stops us then, nobody is left with one that nobody knows. */
export async function createAccounts(
  graph: Graph,
  plan: AccountPlan,
  settings: AccountSettings,
  passwords: PasswordStore,
  onDone: (created: Created) => void,
): Promise<void> {
  for (const step of plan.steps) onDone(await carryOut(graph, step, plan, settings, passwords))
}

async function carryOut(
  graph: Graph,
  step: Step,
  plan: AccountPlan,
  settings: AccountSettings,
  passwords: PasswordStore,
): Promise<Created> {
  const { userPrincipalName } = step.account
  const ended = (outcome: Created['outcome'], why: string): Created => ({ userPrincipalName, outcome, why })
  if (step.action === 'none' || step.action === 'conflict') return ended(step.action, step.why)
  if (step.action === 'complete' && step.id !== undefined) {
    const trouble = await complete(graph, step, step.id, plan, settings)
    return trouble === undefined ? ended('completed', step.why) : ended('failed', trouble.why)
  }
  const made = await create(graph, step.account, settings, passwords)
  if ('trouble' in made) return ended('failed', made.trouble.why)
  const trouble = await license(graph, made.id, plan)
  return trouble === undefined
    ? ended('created', '')
    : ended('failed', `created, but without a licence: ${trouble.why}`)
}

const made = z.object({ id: z.string() })

async function create(
  graph: Graph,
  account: Account,
  { usageLocation }: AccountSettings,
  passwords: PasswordStore,
): Promise<{ readonly id: string } | { readonly trouble: GraphTrouble }> {
  const password = temporaryPassword()
  passwords.keep(account.userPrincipalName, password)
  const answer = await graph.post('/users', userOf(account, usageLocation, password), made)
  if (answer.ok) return answer.value
  // It may have been made, when nobody heard the answer: then its password must not be forgotten.
  if (answer.trouble.kind !== 'unreachable') passwords.forget(account.userPrincipalName)
  return { trouble: answer.trouble }
}

function userOf(account: Account, usageLocation: string, password: string): Readonly<Record<string, unknown>> {
  const { userPrincipalName, displayName } = account
  const optional = {
    givenName: account.given,
    surname: account.family,
    department: account.department,
    jobTitle: account.jobTitle,
    mobilePhone: account.mobilePhone,
  }
  return {
    accountEnabled: true,
    userPrincipalName,
    displayName,
    mailNickname: userPrincipalName.slice(0, userPrincipalName.lastIndexOf('@')),
    usageLocation,
    passwordProfile: { password, forceChangePasswordNextSignIn: true },
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== '')),
  }
}

async function complete(
  graph: Graph,
  step: Step,
  id: string,
  plan: AccountPlan,
  { usageLocation }: AccountSettings,
): Promise<GraphTrouble | undefined> {
  const patched = await graph.patch(`/users/${encodeURIComponent(id)}`, { usageLocation })
  if (!patched.ok) return patched.trouble
  return step.wantsLicence ? license(graph, id, plan) : undefined
}

async function license(graph: Graph, id: string, { licence }: AccountPlan): Promise<GraphTrouble | undefined> {
  if (licence === undefined) return undefined
  const body = { addLicenses: [{ skuId: licence.skuId, disabledPlans: [] }], removeLicenses: [] }
  const answer = await graph.post(`/users/${encodeURIComponent(id)}/assignLicense`, body, z.unknown())
  return answer.ok ? undefined : answer.trouble
}

/** Without 0, O, 1, l and I, which are mistaken for each other when somebody types them from paper. */
const alphabets = ['ABCDEFGHJKLMNPQRSTUVWXYZ', 'abcdefghijkmnpqrstuvwxyz', '23456789', '!#%+-=?@'] as const

/** 16 characters of all four kinds, about 90 bits. */
export function temporaryPassword(): string {
  const any = alphabets.join('')
  const pick = (from: string): string => from.charAt(randomInt(from.length))
  const chars = [...alphabets.map(pick), ...Array.from({ length: 12 }, () => pick(any))]
  for (let i = chars.length - 1; i > 0; i -= 1) {
    const j = randomInt(i + 1)
    const [a = '', b = ''] = [chars[i], chars[j]]
    chars[i] = b
    chars[j] = a
  }
  return chars.join('')
}
