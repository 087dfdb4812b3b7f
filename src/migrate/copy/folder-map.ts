/** Which folder of the source belongs to which of the target: by choice, by task, by name. */
import { type Folder, isInbox, type SpecialUse, type Traits, usesOf } from '../mailbox/mailbox.ts'
import type { CopyOptions } from './contract.ts'
import { excludes } from './exclusions.ts'
import { isNoMailFolder, nameFor, nameKey, topNameFor } from './folder-names.ts'

export type Mapped = {
  readonly source: Folder
  /** At the target; `existing` when it is there. */
  readonly path: readonly string[]
  readonly existing?: Folder
  /** Chosen for more than one: none of them gets another name. */
  readonly mayShare: boolean
  /** To be told to a target that creates the folder. */
  readonly use?: SpecialUse
}

export type LeftOut = { readonly folder: Folder; readonly why: string }

export type FolderMap = { readonly mapped: readonly Mapped[]; readonly leftOut: readonly LeftOut[] }

export type MapQuestion = {
  readonly source: readonly Folder[]
  readonly target: readonly Folder[]
  readonly sourceKind: Traits['kind']
  readonly targetKind: Traits['kind']
  readonly options: Pick<CopyOptions, 'excludeFolders' | 'folderMap' | 'targetRoot'>
  /** What earlier passes chose: the source's own name to the target's. */
  readonly known?: ReadonlyMap<string, string>
}

export function mapFolders(q: MapQuestion): FolderMap {
  const leftOut: LeftOut[] = []
  const uses = usesOf(q.source)
  const why = reasonToLeaveOut(q, uses)
  const wanted = q.source.filter((folder) => {
    const reason = folder.holdsMessages ? why(folder) : undefined
    if (reason !== undefined) leftOut.push({ folder, why: reason })
    return folder.holdsMessages && reason === undefined
  })
  return { mapped: placeAll(q, wanted, uses), leftOut }
}

function reasonToLeaveOut(
  q: MapQuestion,
  uses: ReadonlyMap<Folder, SpecialUse>,
): (folder: Folder) => string | undefined {
  const isExcluded = excludes(q.options.excludeFolders)
  const byPath = new Map([...uses].map(([folder, use]) => [JSON.stringify(folder.path), use]))
  const useOf = (path: readonly string[]): SpecialUse | undefined => byPath.get(JSON.stringify(path))
  return (folder) => {
    if (isExcluded(folder.path, useOf)) return 'excluded by choice'
    const use = folder.use
    // RFC 6154 section 2: views, whose messages all stand in other folders.
    if (use === 'flagged' || use === 'important') return 'shows messages that stand in other folders'
    return isNoMailFolder(folder.path, q.sourceKind) ? 'holds no mail' : undefined
  }
}

/** In the order of the source, so that of two names that clash the first one keeps its own. */
function placeAll(q: MapQuestion, wanted: readonly Folder[], uses: ReadonlyMap<Folder, SpecialUse>): readonly Mapped[] {
  const there = new Map(q.target.map((folder) => [nameKey(folder.path, q.targetKind), folder]))
  const byId = new Map(q.target.map((folder) => [folder.id, folder]))
  const route = routes(q, uses)
  const taken = new Set<string>()
  const place = (source: Folder): Mapped => {
    const remembered = byId.get(q.known?.get(source.id) ?? '')
    const { path, mayShare, use } = route(source)
    const chosen = remembered?.path ?? (mayShare ? path : freePath(path, taken, q.targetKind))
    const key = nameKey(chosen, q.targetKind)
    taken.add(key)
    const found = remembered ?? there.get(key)
    // A name that only holds others (\Noselect, \NonExistent) is to be made a folder, under the very name that it has.
    const existing = found?.holdsMessages === true ? found : undefined
    return { source, path: found?.path ?? chosen, mayShare, ...(existing && { existing }), ...(use && { use }) }
  }
  // Those with a task first: their names are not to be taken by others.
  const first = wanted.filter((folder) => uses.has(folder))
  const done = new Map([...first, ...wanted.filter((folder) => !uses.has(folder))].map((f) => [f, place(f)]))
  return wanted.flatMap((folder) => done.get(folder) ?? [])
}

function freePath(path: readonly string[], taken: ReadonlySet<string>, kind: Traits['kind']): readonly string[] {
  for (let n = 1; ; n += 1) {
    const last = path.at(-1) ?? ''
    const candidate = n === 1 ? path : [...path.slice(0, -1), `${last} (${n})`]
    if (!taken.has(nameKey(candidate, kind))) return candidate
  }
}

type Route = { readonly path: readonly string[]; readonly mayShare: boolean; readonly use?: SpecialUse }

/** The nearest of the folder and those above it that has a place of its own decides; what lies below goes along. */
function routes(q: MapQuestion, uses: ReadonlyMap<Folder, SpecialUse>): (folder: Folder) => Route {
  const chosen = new Map(Object.entries(q.options.folderMap).map(([from, to]) => [fold(from), to.split('/')]))
  const root = q.options.targetRoot?.split('/').filter((name) => name !== '') ?? []
  const targetUses = new Map([...usesOf(q.target)].map(([folder, use]) => [use, folder.path]))
  const tasks = new Map([...uses].map(([folder, use]) => [fold(folder.path.join('/')), { folder, use }]))
  const prefix = inboxPrefix(q.source, q.sourceKind)
  const named = (path: readonly string[]): readonly string[] =>
    path.map((name, i) =>
      i === 0 ? topNameFor(nameFor(name, q.targetKind, 0), q.targetKind) : nameFor(name, q.targetKind, 0),
    )
  const below = (path: readonly string[], depth: number): readonly string[] =>
    path.slice(depth).map((name) => nameFor(name, q.targetKind, 0))
  return (folder) => {
    for (let depth = folder.path.length; depth > 0; depth -= 1) {
      const key = fold(folder.path.slice(0, depth).join('/'))
      const byChoice = chosen.get(key)
      const isItself = depth === folder.path.length
      if (byChoice !== undefined)
        return { path: [...root, ...byChoice, ...below(folder.path, depth)], mayShare: isItself }
      const task = root.length === 0 ? tasks.get(key) : undefined
      // What lies below INBOX goes below INBOX by its name, or to the top where INBOX is but a prefix.
      if (task === undefined || (task.use === 'inbox' && !isItself)) continue
      const at = task.use === 'inbox' ? ['INBOX'] : targetUses.get(task.use)
      const use = isItself && task.use !== 'inbox' ? { use: task.use } : {}
      if (at !== undefined) return { path: [...at, ...below(folder.path, depth)], mayShare: false, ...use }
      if (isItself) return { path: named(stripped(folder.path, prefix)), mayShare: false, ...use }
    }
    const path = stripped(folder.path, prefix)
    return { path: root.length === 0 ? named(path) : [...root, ...below(path, 0)], mayShare: false }
  }
}

/** QUIRK: Courier and older Cyrus keep all personal folders below INBOX; elsewhere they stand beside it. */
function inboxPrefix(folders: readonly Folder[], kind: Traits['kind']): boolean {
  const others = folders.filter((folder) => !isInbox(folder))
  const areAllBelow = others.length > 0 && others.every((folder) => folder.path[0]?.toUpperCase() === 'INBOX')
  return areAllBelow && (kind === 'courier' || kind === 'cyrus')
}

function stripped(path: readonly string[], prefix: boolean): readonly string[] {
  return prefix && path.length > 1 ? path.slice(1) : path
}

function fold(path: string): string {
  return path.normalize('NFC').toLowerCase()
}
