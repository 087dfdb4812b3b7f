/**
 * The project as it is now, and the only place where it changes. What is kept is a revision of the whole file and, since
 * then, one row for each change of the directory, so that moving one person costs one row whatever the directory's size.
 */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { domainKey } from '../mail/address/address.ts'
import {
  type AppliedFile,
  addChange,
  appliedFile,
  changesSince,
  type Db,
  latestProject,
  saveProject,
} from '../store/store.ts'
import type { DirectoryChange } from './change.ts'
import { type Difference, differences } from './differences.ts'
import { type Found, type Problem, problem, problemText, type Result, refusal } from './findings.ts'
import { keepModes } from './keep-modes.ts'
import { loadProjectText } from './load.ts'
import type { DomainMode, Project } from './model.ts'
import { frameText, projectText } from './project-text.ts'
import type { SecretSource } from './reading.ts'

export type LiveProject = {
  /** undefined until a project was applied. */
  current(): Project | undefined
  /** Takes what a file says as a whole; only modes of domains that it does not name stay as they are. */
  adopt(next: Project, by: string): void
  /** As adopt, unless the very same was taken from this file before: then later changes stay. False: nothing taken. */
  adoptFile(next: Project, by: string): boolean
  /** What adopting it would change. */
  differencesTo(next: Project): readonly Difference[]
  /** `found` as in RoutingTable.with. */
  change(change: DirectoryChange, by: string, found?: Found): Result<Project>
  /** `name` as domainKey. `keyFile` as it is to stand in the file, beside which it is looked for. */
  setDomain(name: string, change: DomainChange, by: string): Result<Project>
  /**
   * Reads again what the project names: certificates, keys, secrets. All of it is taken, or nothing and the project stays as it
   * is. `false`: nothing was there to be read again. `instead` is asked for secrets this once: what is about to be kept.
   */
  reread(instead?: SecretSource): Result<boolean>
  /** Called after each change of more than the directory, and after `reread`. */
  onChange(listener: () => void): void
}

/** Opens what was kept. Throws, with every problem, when it cannot be loaded any more: a file that it names is gone, say. */
export function openLiveProject(db: Db, now: () => number, secrets?: SecretSource): LiveProject {
  let state = restore(db, secrets)
  const listeners: (() => void)[] = []
  const take = (next: Project, by: string, applied?: AppliedFile): void => {
    const text = projectText(next)
    const revision = saveProject(db, { at: now(), by, text, base: resolve(next.file), hash: digest(text) }, applied)
    state = { project: next, revision }
    for (const listener of listeners) listener()
  }
  // What is remembered is what the file says: what stays beside it is no change of the file.
  const adopt = (next: Project, by: string): void => {
    const applied = { file: resolve(next.file), hash: digest(projectText(next)) }
    take(keepModes(state?.project, next), by, applied)
  }
  return {
    current: () => state?.project,
    adopt,
    adoptFile(next, by) {
      if (state !== undefined && appliedFile(db, resolve(next.file)) === digest(projectText(next))) return false
      adopt(next, by)
      return true
    },
    differencesTo(next) {
      const before = state?.project
      return before === undefined ? [{ path: 'project', new: next.name }] : differences(before, keepModes(before, next))
    },
    change(change, by, found) {
      if (state === undefined) return refusal(noProject)
      const table = state.project.table.with(change, found)
      if (!table.ok) return table
      addChange(db, { revision: state.revision, at: now(), by, change: JSON.stringify(change) })
      const project = Object.freeze({ ...state.project, table: table.value })
      state = { ...state, project }
      return { ok: true, value: project, warnings: table.warnings }
    },
    setDomain(name, change, by) {
      if (state === undefined) return refusal(noProject)
      const next = withDomain(state.project, name, change, secrets)
      if (next.ok) take(next.value, by)
      return next
    },
    reread(instead) {
      if (state === undefined) return { ok: true, value: false, warnings: [] }
      const next = withFiles(state.project, instead ?? secrets)
      if (!next.ok) return next
      state = { ...state, project: next.value }
      for (const listener of listeners) listener()
      return { ...next, value: true }
    },
    onChange: (listener) => void listeners.push(listener),
  }
}

export type DomainChange = {
  readonly mode?: DomainMode
  /** What is given replaces what stood there. */
  readonly dkim?: {
    readonly selector?: string
    readonly keyFile?: string
    readonly ed25519?: { readonly selector: string; readonly keyFile?: string }
  }
}

type State = { readonly project: Project; readonly revision: number }

const noProject: Problem = problem({ file: '', line: 0 }, 'No project is applied yet.', 'causeway apply FILE')

function restore(db: Db, secrets: SecretSource | undefined): State | undefined {
  const last = latestProject(db)
  if (last === undefined) return undefined
  const loaded = loadProjectText(Buffer.from(last.text), last.base, secrets)
  if (!loaded.ok)
    throw new Error(
      `the project that was applied last cannot be loaded:\n${loaded.problems.map(problemText).join('\n')}`,
    )
  let { table } = loaded.value
  for (const { change } of changesSince(db, last.id)) {
    const next = table.with(JSON.parse(change))
    if (!next.ok)
      throw new Error(`a change of the directory cannot be repeated:\n${next.problems.map(problemText).join('\n')}`)
    table = next.value
  }
  return { project: Object.freeze({ ...loaded.value, table }), revision: last.id }
}

/** Changes the document and reads it again, so that a changed domain is checked like any other. */
function withDomain(
  project: Project,
  name: string,
  { mode, dkim }: DomainChange,
  secrets: SecretSource | undefined,
): Result<Project> {
  const domains = project.document.domains?.map((domain) =>
    domainKey(domain.name) === name
      ? { ...domain, ...(mode && { mode }), ...(dkim && domain.dkim && { dkim: { ...domain.dkim, ...dkim } }) }
      : domain,
  )
  const text = projectText({ ...project, document: { ...project.document, domains } })
  const loaded = loadProjectText(Buffer.from(text), project.file, secrets)
  return loaded.ok ? { ...loaded, value: Object.freeze({ ...loaded.value, table: project.table }) } : loaded
}

/** The project with everything that it names read anew. The directory, which may be large, stays as it is. */
function withFiles(project: Project, secrets: SecretSource | undefined): Result<Project> {
  const loaded = loadProjectText(Buffer.from(frameText(project.document)), project.file, secrets)
  if (!loaded.ok) return loaded
  const { gateway, tenants, domains } = loaded.value
  return { ...loaded, value: Object.freeze({ ...project, gateway, tenants, domains }) }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
