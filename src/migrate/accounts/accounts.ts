/**
 * Accounts: a provider's mailbox list becomes users of the target tenant.
 *
 * Promises: nothing is created that the plan did not show; a password is kept before its account is made, and handed out once; it may
 *   all be done again, and what is there is left as it is.
 * Never: reads a password from the provider's file, writes one to a log or an answer but the one that hands them out.
 * On failure: each account tells for itself what Graph said; the others go on.
 */
export type { Account, AccountColumn, AccountMatch, BadAccount, ReadAccounts } from './account.ts'
export { type Created, createAccounts, type PasswordStore, temporaryPassword } from './create.ts'
export { type DomainState, prepareDomain } from './domain.ts'
export { type AccountPlan, type AccountSettings, planAccounts, type Step } from './plan.ts'
export { accountsScript } from './powershell.ts'
export { accountColumns, readAccounts } from './read-accounts.ts'
