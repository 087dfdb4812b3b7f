/** Somebody who gets an account in the target tenant. */

export type Account = {
  /** Of the provider's file. */
  readonly line: number
  /** The name to sign in with, and the address. */
  readonly userPrincipalName: string
  readonly displayName: string
  readonly given: string
  readonly family: string
  readonly department: string
  readonly jobTitle: string
  readonly mobilePhone: string
  /** Further addresses that the provider lists. Graph cannot set them; they stand in the script and in the plan. */
  readonly aliases: readonly string[]
}

export type AccountColumn =
  | 'address'
  | 'displayName'
  | 'given'
  | 'family'
  | 'department'
  | 'jobTitle'
  | 'mobilePhone'
  | 'aliases'

export type BadAccount = { readonly line: number; readonly why: string; readonly remedy: string }

/** `field` undefined: nobody here knows what it means. */
export type AccountMatch = {
  readonly header: string
  readonly field: AccountColumn | undefined
  readonly sample: string
}

export type ReadAccounts = {
  readonly accounts: readonly Account[]
  readonly bad: readonly BadAccount[]
  readonly columns: readonly AccountMatch[]
}
