/**
 * A project: tenants, domains and people that are coexisting, read from its file and compiled to one frozen routing table.
 *
 * Promises: everything that is wrong with a set of files is told at once, each with file, line and what to do; a project that
 *   loads has no two entries for one address, none that leads nowhere and none that cannot lead back.
 * Never: changes a file, asks the network, repeats a secret in a sentence.
 * On failure: problems as values; nothing is loaded by halves.
 */
import { domainKey } from '../mail/address/address.ts'
import type { Project, ServedDomain, Tenant } from './model.ts'

export type { DirectoryChange } from './change.ts'
export { checkDirectory } from './check-directory.ts'
export { type Difference, differences, differencesText } from './differences.ts'
export { readDirectoryFile } from './directory-file.ts'
export { type Entry, type EntryText, entryText, type Mode } from './entry.ts'
export { type Expiry, expiring } from './expiring.ts'
export { type Found, type Place, type Problem, problemText, type Result } from './findings.ts'
export { newlyHeld } from './keep-modes.ts'
export { type DomainChange, type LiveProject, openLiveProject } from './live.ts'
export { loadProject, loadProjectText } from './load.ts'
export type { Mapped } from './look-up.ts'
export { manualText, schemaText } from './manual.ts'
export type {
  ArcKey,
  Demands,
  DkimKey,
  DomainMode,
  GatewayLimits,
  Identity,
  NextHop,
  Outbound,
  Policy,
  Project,
  ServedDomain,
  Tenant,
  TlsPolicy,
} from './model.ts'
export { move, setMode } from './moves.ts'
export { projectText } from './project-text.ts'
export type { SecretSource } from './reading.ts'
export { type Renewal, watchFiles } from './renewal.ts'
export type { ProjectDocument } from './schema.ts'
export { secretPlaces } from './secret-places.ts'
export type { Person, RoutingTable } from './table.ts'

export function tenantNamed(p: Project, name: string): Tenant | undefined {
  return p.tenants.find((tenant) => tenant.name === name)
}

/** The tenant that has the domain as accepted domain. */
export function tenantOfDomain(p: Project, domain: string): Tenant | undefined {
  const key = domainKey(domain)
  return p.tenants.find((tenant) => tenant.domains.includes(key))
}

/** The domain as it stands under `domains`. */
export function servedDomain(p: Project, domain: string): ServedDomain | undefined {
  const key = domainKey(domain)
  return p.domains.find((served) => served.name === key)
}
