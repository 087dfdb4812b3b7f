/** Options of commands that work in a tenant by an app of Entra. */
import type { Command } from 'commander'
import { Stop } from './io.ts'

export type AccessOptions = {
  tenant?: string
  clientId?: string
  secret?: string
  certificate?: string
  authority?: string
  graph?: string
}

export function withAccess(command: Command): Command {
  return command
    .option('--tenant <id>', 'ID of the tenant, or one of its domains')
    .option('--client-id <id>', 'application (client) ID of the app in Entra')
    .option('--secret <vault:name>', 'its client secret: causeway secret set NAME')
    .option('--certificate <vault:name>', 'or the PEM with its private key and certificate')
    .option('--authority <url>', 'where tokens are given out, of a national cloud')
    .option('--graph <url>', 'Microsoft Graph of a national cloud')
}

/** As the API takes it. */
export function accessOf(o: AccessOptions): Readonly<Record<string, string>> {
  if (o.tenant === undefined || o.clientId === undefined)
    throw new Stop(2, '--tenant and --client-id name the app to work with')
  if ((o.secret === undefined) === (o.certificate === undefined))
    throw new Stop(2, 'the app needs --secret vault:NAME or --certificate vault:NAME')
  const { tenant, clientId, secret, certificate, authority, graph } = o
  const all = { tenant, clientId, secret, certificate, authority, graph }
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
