/** Loading a project: the one function that reads everything the file names and tells everything that is wrong. */

import { dirname, resolve } from 'node:path'
import { checkPairs } from './attribution.ts'
import { checkBalancers } from './balancers.ts'
import { checkTenants } from './between-tenants.ts'
import { readListedFiles } from './directory-file.ts'
import { checkDomains, compileDomain, compileGateway, compilePolicy } from './domains.ts'
import type { EntryText } from './entry.ts'
import { noFindings, problem, type Result, refusal, settle } from './findings.ts'
import type { Project, ServedDomain } from './model.ts'
import { readPlainFile } from './plain-file.ts'
import { checkPostmaster } from './postmaster.ts'
import { type Piece, type Reading, type SecretSource, startReading } from './reading.ts'
import { type Pieces, takeApart } from './shape.ts'
import { compileTable } from './table.ts'
import { checkFields, compileTenant, type ReadTenant } from './tenants.ts'
import { makeTerritory, type Territory } from './territory.ts'
import { controlCharacters, maxYamlBytes, readYaml, type YamlFile } from './yaml-file.ts'

/**
 * Reads the project and everything that it names. `file` is taken as it is in the sentences about it; `secrets` is the vault that
 * `vault:NAME` speaks of.
 */
export function loadProject(file: string, secrets?: SecretSource): Result<Project> {
  const read = readPlainFile(file, maxYamlBytes)
  if ('bytes' in read) return loadProjectText(read.bytes, file, secrets)
  return refusal(problem({ file, line: 0 }, `The project file ${read.why}.`, `It was looked for at ${resolve(file)}.`))
}

/** The same for text that need not stand in `file`; what it names is looked for beside that file. */
export function loadProjectText(bytes: Buffer, file: string, secrets?: SecretSource): Result<Project> {
  const yaml = readYaml(bytes, file)
  return yaml.ok
    ? compile(file, yaml.file, secrets)
    : settle<Project>({ problems: [...yaml.problems], warnings: [] }, undefined)
}

function compile(file: string, yaml: YamlFile, secrets: SecretSource | undefined): Result<Project> {
  const findings = noFindings()
  const reading = startReading(file, dirname(resolve(file)), yaml, findings, secrets)
  // One of these in a name or address would become a line of a header.
  for (const path of controlCharacters(yaml.value)) {
    reading.wrong(
      path,
      `${reading.called(path)} holds a control character or one that cannot be seen.`,
      'Write it again without.',
    )
  }
  const pieces = takeApart(yaml.value, reading)
  return settle(findings, project(file, reading, pieces))
}

/** undefined when a part is missing that nothing can be without; what is wrong with it was told by then. */
function project(file: string, reading: Reading, pieces: Pieces): Project | undefined {
  const tenants = pieces.tenants.map((piece) => compileTenant(reading, piece))
  for (const piece of pieces.brokenTenants) checkFields(reading, piece)
  const names = pieces.document === undefined ? undefined : tenants.map((t) => t.value.name)
  const domains = pieces.domains.map((piece) => ({ value: compileDomain(reading, piece, names), path: piece.path }))
  checkBetween(reading, tenants, domains)
  const gateway = pieces.gateway === undefined ? undefined : compileGateway(reading, pieces.gateway)
  checkBalancers(reading, gateway?.proxies ?? [], tenants)
  const territory = territoryOf(pieces, tenants, domains)
  checkPostmaster(reading, gateway?.postmaster, territory)
  const policy = compilePolicy(reading, pieces.policy)
  const table = compileTable(
    [...inlineEntries(reading, pieces), ...readListedFiles(reading, pieces.directoryFiles)],
    territory,
    reading.findings,
  )
  const { document } = pieces
  if (document === undefined || gateway === undefined) return undefined
  return deepFreeze({
    name: document.name,
    file,
    gateway,
    tenants: values(tenants),
    domains: values(domains),
    policy,
    table,
    document,
  })
}

function checkBetween(reading: Reading, tenants: readonly ReadTenant[], domains: readonly Piece<ServedDomain>[]): void {
  checkTenants(reading, tenants)
  checkPairs(
    reading,
    tenants.filter((tenant) => tenant.isKnown),
  )
  checkDomains(reading, domains)
}

/** While a tenant or a domain is not understood, nobody can say whose domain an address has. */
function territoryOf(
  pieces: Pieces,
  tenants: readonly ReadTenant[],
  domains: readonly Piece<ServedDomain>[],
): Territory | undefined {
  const all =
    pieces.document !== undefined && tenants.every((t) => t.isOwner) && domains.every((d) => d.value.name !== '')
  return all ? makeTerritory(values(tenants), values(domains)) : undefined
}

function inlineEntries(reading: Reading, pieces: Pieces): readonly EntryText[] {
  return pieces.entries.map(({ value, path }) => ({ ...value, source: reading.at(path) }))
}

function values<T>(pieces: readonly Piece<T>[]): readonly T[] {
  return pieces.map((piece) => piece.value)
}

/** Buffers cannot be frozen; nobody writes into them. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
