/** The project as a file again: what `causeway export` prints. Loading it gives an equal project; comments do not survive. */
import { stringify } from 'yaml'
import { type Entry, entryText } from './entry.ts'
import type { Project } from './model.ts'
import type { ProjectDocument } from './schema.ts'

/** YAML with every entry of the directory in it, those of CSV files too. Paths stay relative to the file it was loaded from. */
export function projectText(p: Project): string {
  const { name, gateway, tenants, domains, policy } = p.document
  const before = stringify({ name, gateway, tenants }, { lineWidth: 0 })
  const after = domains === undefined && policy === undefined ? '' : stringify({ domains, policy }, { lineWidth: 0 })
  return before + directoryText(p.table.entries()) + after
}

/** Everything but the directory. */
export function frameText({ name, gateway, tenants, domains, policy }: ProjectDocument): string {
  return stringify({ name, gateway, tenants, domains, policy }, { lineWidth: 0 })
}

/** One line for each entry: a change of one is a change of one line. */
function directoryText(entries: Iterable<Entry>): string {
  const lines = Array.from(entries, (entry) => `  - { ${fields(entry).join(', ')} }\n`)
  return lines.length === 0 ? '' : `directory:\n${lines.join('')}`
}

function fields(entry: Entry): readonly string[] {
  const { name, ...rest } = entryText(entry)
  const named = name === undefined ? [] : [`name: ${JSON.stringify(name)}`]
  return [...named, ...Object.entries(rest).map(([field, value]) => `${field}: ${flow(value)}`)]
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  // Plain only where YAML can read nothing else into it; JSON is YAML (YAML 1.2 section 1.3).
  return typeof value === 'string' && !/^[a-z][\w.+-]*(?:@[\w.-]+)?$/i.test(value)
    ? JSON.stringify(value)
    : String(value)
}
