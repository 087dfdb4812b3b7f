/** What is different between two projects, for somebody who is asked whether it shall be so. */
import { createHash } from 'node:crypto'
import type { Entry } from './entry.ts'
import { sizeText, spanText } from './measures.ts'
import type { Project } from './model.ts'

/** Without `old` it is new, without `new` it is gone. Secrets are never shown, only that they differ. */
export type Difference = { readonly path: string; readonly old?: string; readonly new?: string }

export function differences(a: Project, b: Project): readonly Difference[] {
  return [...settings(a, b), ...(a.table === b.table ? [] : directory(a, b))]
}

/** As `causeway apply` shows them, a line each. */
export function differencesText(all: readonly Difference[]): string {
  if (all.length === 0) return 'nothing differs'
  return all.map(({ path, old = '(none)', new: now = '(none)' }) => `${path}: ${old} -> ${now}`).join('\n')
}

/** `same` decides, `text` is shown. */
type Leaf = { readonly same: string; readonly text: string }

function settings(a: Project, b: Project): readonly Difference[] {
  const before = leavesOf(a)
  const after = leavesOf(b)
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].flatMap((path) => difference(path, before.get(path), after.get(path)))
}

function difference(path: string, a: Leaf | undefined, b: Leaf | undefined): Difference[] {
  if (a?.same === b?.same) return []
  return [{ path, ...(a === undefined ? {} : { old: a.text }), ...(b === undefined ? {} : { new: b.text }) }]
}

/** Every setting with its effective value: a default that is written out is no difference. */
function leavesOf(p: Project): ReadonlyMap<string, Leaf> {
  const leaves = new Map<string, Leaf>()
  collect(leaves, 'name', p.name)
  collect(leaves, 'gateway', p.gateway)
  for (const { name, ...tenant } of p.tenants) collect(leaves, `tenant ${name}`, tenant)
  for (const { name, ...domain } of p.domains) collect(leaves, `domain ${name}`, domain)
  collect(leaves, 'policy', p.policy)
  return leaves
}

function collect(leaves: Map<string, Leaf>, path: string, value: unknown): void {
  if (value instanceof Uint8Array) leaves.set(path, hidden(value, `sha256 ${digest(value).slice(0, 16)}`))
  else if (
    / (?:.*\.)?(?:secret\.(?:v|previousV)alue|passphrase)$|\.passphrase$/.test(path) &&
    typeof value === 'string'
  )
    leaves.set(path, hidden(value, '(not shown)'))
  else if (typeof value === 'number' && path.endsWith('Ms')) leaves.set(path.slice(0, -2), plain(spanText(value)))
  else if (typeof value === 'number' && path.endsWith('Bytes')) leaves.set(path.slice(0, -5), plain(sizeText(value)))
  else if (Array.isArray(value)) leaves.set(path, plain(value.join(', ') || '(none)'))
  else if (typeof value !== 'object' || value === null) leaves.set(path, plain(String(value)))
  else for (const [field, inner] of Object.entries(value)) collect(leaves, joined(path, field), inner)
}

// `tenant contoso: to.port`, but `policy.fields`.
function joined(path: string, field: string): string {
  if (path.includes(': ') || !path.includes(' ')) return `${path}.${field}`
  return `${path}: ${field}`
}

function plain(text: string): Leaf {
  return { same: text, text }
}

function hidden(value: string | Uint8Array, text: string): Leaf {
  return { same: digest(value), text }
}

function digest(value: string | Uint8Array): string {
  return createHash('sha256').update(value).digest('hex')
}

/** Entries by person: one who moves keeps the external address, one who changes the mode keeps both. */
function directory(a: Project, b: Project): readonly Difference[] {
  const before = new Map<string, Entry>()
  for (const entry of a.table.entries()) for (const key of ownKeys(entry)) before.set(key, entry)
  const found: Difference[] = []
  const matched = new Set<Entry>()
  for (const entry of b.table.entries()) {
    const old = ownKeys(entry)
      .map((key) => before.get(key))
      .find((candidate) => candidate !== undefined && !matched.has(candidate))
    if (old !== undefined) matched.add(old)
    found.push(...difference(`directory ${nameOf(entry)}`, old && plain(entryLine(old)), plain(entryLine(entry))))
  }
  for (const entry of a.table.entries())
    if (!matched.has(entry)) found.push(...difference(`directory ${nameOf(entry)}`, plain(entryLine(entry)), undefined))
  return found
}

function ownKeys(e: Entry): readonly string[] {
  return e.outboundOnly ? [e.internalKey] : [e.externalKey, e.internalKey]
}

function nameOf(e: Entry): string {
  return e.outboundOnly ? e.internal : e.external
}

function entryLine(e: Entry): string {
  const more = [
    e.aliases.length > 0 ? `aliases ${e.aliases.join(', ')}` : '',
    e.outboundOnly ? 'outbound only' : '',
    e.except.length > 0 ? `except ${e.except.join(', ')}` : '',
    e.name === undefined ? '' : `name ${e.name}`,
    e.mode === undefined ? '' : `mode ${e.mode}`,
  ].filter((text) => text !== '')
  return `${e.internal} -> ${e.external}${more.length === 0 ? '' : ` (${more.join('; ')})`}`
}
