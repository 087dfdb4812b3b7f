/** What a place in the document is called in a sentence. */
import { show } from './names.ts'
import type { Path } from './yaml-file.ts'

export function fieldOf(value: unknown, field: string | number): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, field)
    ? Reflect.get(value, field)
    : undefined
}

export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(fieldOf, root)
}

/** `to.port of tenant contoso`. */
export function called(root: unknown, path: Path): string {
  const [field, index, ...rest] = path
  if (field === undefined) return 'the project'
  if (typeof index !== 'number') return dotted(path)
  const item = itemName(root, String(field), index)
  return rest.length === 0 ? item : `${dotted(rest)} of ${item}`
}

const kinds: { readonly [field: string]: string } = {
  tenants: 'tenant',
  domains: 'domain',
  directory: 'directory entry',
}

function itemName(root: unknown, field: string, index: number): string {
  const item = valueAt(root, [field, index])
  const kind = kinds[field]
  const name = fieldOf(item, field === 'directory' ? 'internal' : 'name')
  if (kind === undefined) return `${field}[${index + 1}]`
  return typeof name === 'string' ? `${kind} ${show(name).slice(1, -1)}` : `${kind} ${index + 1}`
}

function dotted(path: Path): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step + 1}]` : text === '' ? step : `${text}.${step}`),
    '',
  )
}
