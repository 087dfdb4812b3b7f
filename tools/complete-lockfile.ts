// Completes package-lock.json with the platform packages that npm left out.
//
// Biome, oxlint and TypeScript ship one binary package for each platform. Where the registry in use serves only some of
// them, npm drops the rest from the lock, and `npm ci` then refuses its own work: "Missing: ... from lock file". An entry
// with version, os and cpu is enough, because npm never downloads a package for another platform.
//
// Run it after every change of dependencies: node_modules/.bin/node tools/complete-lockfile.ts

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from './source-tree.ts'

export type LockEntry = {
  readonly version?: string
  readonly resolved?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Entries by their place, for example `node_modules/@biomejs/biome`; '' is the repository itself. */
export type LockPackages = Readonly<Record<string, LockEntry>>

export type Missing = { readonly name: string; readonly version: string; readonly wantedBy: string }

/** Optional dependencies that no entry of the lock answers. */
export function missingEntries(packages: LockPackages): readonly Missing[] {
  return Object.entries(packages).flatMap(([place, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !isReachable(packages, place, name))
      .map(([name, version]) => ({ name, version, wantedBy: place })),
  )
}

/** The packages with an entry for each that was missing and whose name tells its platform. */
export function completed(packages: LockPackages): LockPackages {
  const added = missingEntries(packages).flatMap((missing) => {
    const entry = platformEntry(missing, packages[missing.wantedBy]?.dev === true)
    return entry === undefined ? [] : [[`node_modules/${missing.name}`, entry] as const]
  })
  const all = [...Object.entries(packages), ...added]
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** As Node looks for it: beside the package that wants it, then in each folder above. */
function isReachable(packages: LockPackages, place: string, name: string): boolean {
  for (let at = place; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true
    if (at === '') return false
  }
}

const systems = new Map(
  ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'].map((os) => [
    os,
    os,
  ]),
).set('windows', 'win32')

const processors = new Map(
  ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'].map((cpu) => [
    cpu,
    cpu,
  ]),
)
  .set('armv7', 'arm')
  .set('ppc64le', 'ppc64')

/** Such packages are named for their platform: `@biomejs/cli-darwin-arm64`. */
function platformEntry(missing: Missing, dev: boolean): LockEntry | undefined {
  const words = missing.name.replace(/^.*\//, '').split('-')
  const os = words.map((word) => systems.get(word)).find((found) => found !== undefined)
  const cpu = words.map((word) => processors.get(word)).find((found) => found !== undefined)
  if (os === undefined && cpu === undefined) return undefined
  return {
    version: missing.version.replace(/^[^\d]*/, ''),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(dev ? { dev } : {}),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
  }
}

if (import.meta.main) {
  const file = join(repositoryRoot, 'package-lock.json')
  const lock: { packages: LockPackages } = JSON.parse(readFileSync(file, 'utf8'))
  const before = missingEntries(lock.packages)
  lock.packages = completed(lock.packages)
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
  const left = missingEntries(lock.packages)
  console.log(`added ${before.length - left.length} entries`)
  for (const { name, wantedBy } of left) console.log(`left alone, its name tells no platform: ${name} (of ${wantedBy})`)
  process.exitCode = left.length === 0 ? 0 : 1
}
