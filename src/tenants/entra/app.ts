/** An app of a tenant, as whoever wants to work by it names it. */
import { z } from 'zod'
import { longestName, secretName } from '../../secrets/vault/vault.ts'
import { isAuthority } from './clouds.ts'

/** A secret is named, never written: it lies in the vault. */
export const vaultSecret = z
  .string()
  .max('vault:'.length + longestName)
  .regex(
    new RegExp(`^vault:${secretName.source.slice(1)}`),
    'write vault:NAME, and set it with `causeway secret set NAME`',
  )

export const appFields = {
  tenant: z
    .string()
    .regex(/^[A-Za-z0-9.-]{1,253}$/, 'the ID of the tenant, or one of its domains')
    .describe('ID or domain of the tenant'),
  clientId: z.string().min(1).max(100).describe('Application (client) ID'),
  secret: vaultSecret.optional().describe('The client secret'),
  certificate: vaultSecret.optional().describe('PEM with the private key and its certificate, in place of a secret'),
  authority: z
    .url()
    .refine(isAuthority, 'no authority of Microsoft: the secret would go there')
    .default('https://login.microsoftonline.com')
    .describe('Where tokens are given out'),
}
