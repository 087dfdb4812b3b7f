/** Is everything where the schema wants it? What is not is told in sentences, with the field that was probably meant. */
import { z } from 'zod'
import { called, fieldOf, valueAt } from './called.ts'
import { didYouMean, show } from './names.ts'
import type { Piece, Reading } from './reading.ts'
import {
  type DomainDocument,
  type EntryDocument,
  type ProjectDocument,
  parts,
  projectSchema,
  type TenantDocument,
} from './schema.ts'
import type { Path } from './yaml-file.ts'

/** The fields of a tenant that have the right shape. */
export type TenantFields = { readonly [K in keyof TenantDocument]?: TenantDocument[K] | undefined }

export type Pieces = {
  /** Only when all of it has the right shape. */
  readonly document: ProjectDocument | undefined
  readonly gateway: Piece<ProjectDocument['gateway']> | undefined
  readonly tenants: readonly Piece<TenantDocument>[]
  /** What can be understood of the other tenants. */
  readonly brokenTenants: readonly Piece<TenantFields>[]
  readonly entries: readonly Piece<EntryDocument>[]
  readonly domains: readonly Piece<DomainDocument>[]
  readonly policy: Piece<NonNullable<ProjectDocument['policy']>> | undefined
  readonly directoryFiles: readonly string[]
}

/** What has the right shape, however much around it has not, so that everything wrong is found at once. */
export function takeApart(value: unknown, reading: Reading): Pieces {
  const whole = projectSchema.safeParse(value)
  if (!whole.success) for (const issue of whole.error.issues) report(issue, value, reading)
  const from = (field: string): unknown => fieldOf(value, field)
  const files = z.array(z.string()).safeParse(from('directoryFiles'))
  return {
    document: whole.data,
    gateway: one(parts.gateway, from('gateway'), ['gateway']),
    tenants: each(parts.tenant, from('tenants'), 'tenants'),
    brokenTenants: brokenTenants(from('tenants')),
    entries: each(parts.entry, from('directory'), 'directory'),
    domains: each(parts.domain, from('domains'), 'domains'),
    policy: one(parts.policy, from('policy'), ['policy']) ?? brokenPolicy(from('policy')),
    directoryFiles: files.data ?? [],
  }
}

function one<T>(schema: z.ZodType<T>, value: unknown, path: Path): Piece<T> | undefined {
  const parsed = schema.safeParse(value)
  return parsed.success ? { value: parsed.data, path } : undefined
}

function each<T>(schema: z.ZodType<T>, value: unknown, field: string): readonly Piece<T>[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((item: unknown, i) => one(schema, item, [field, i]) ?? [])
}

/** Of a policy with a field of the wrong shape, the fields that can be wrong in another way. */
function brokenPolicy(policy: unknown): Pieces['policy'] {
  const { notRewrittenFor, warnAfter, returnAfter } = parts.policyFields
  const field = <T>(schema: z.ZodType<T>, key: string): T | undefined => schema.safeParse(fieldOf(policy, key)).data
  const partners = field(notRewrittenFor, 'notRewrittenFor')
  const waits = { warnAfter: field(warnAfter, 'warnAfter'), returnAfter: field(returnAfter, 'returnAfter') }
  return { value: { notRewrittenFor: partners, ...waits }, path: ['policy'] }
}

function brokenTenants(value: unknown): readonly Piece<TenantFields>[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((item: unknown, i) => {
    if (parts.tenant.safeParse(item).success) return []
    const { name, kind, domains, from, to, outbound } = parts.tenantFields
    const field = <T>(schema: z.ZodType<T>, key: string): T | undefined => schema.safeParse(fieldOf(item, key)).data
    const known = { name: field(name, 'name'), kind: field(kind, 'kind'), domains: field(domains, 'domains') }
    const rest = { from: field(from, 'from'), to: field(to, 'to'), outbound: field(outbound, 'outbound') }
    return [{ value: { ...known, ...rest }, path: ['tenants', i] }]
  })
}

type Issue = z.core.$ZodIssue

function report(issue: Issue, root: unknown, reading: Reading, above: Path = []): void {
  const path: Path = [...above, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))]
  const thing = called(root, path)
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) reportUnknown(key, path, thing, reading)
      return
    case 'invalid_union':
      return reportUnion(issue, root, reading, path)
    case 'invalid_type':
      return valueAt(root, path) === undefined
        ? reportMissing(path, root, reading)
        : reportType(issue.expected, valueAt(root, path), path, thing, reading)
    case 'invalid_value':
      return valueAt(root, path) === undefined
        ? reportMissing(path, root, reading)
        : reportChoice(issue.values.map(String), valueAt(root, path), path, thing, reading)
    case 'too_small':
    case 'too_big':
      return reportSize(issue, valueAt(root, path), path, thing, reading)
    default:
      reading.wrong(path, `${thing} is ${show(valueAt(root, path))}: ${issue.message}.`, describe(path))
  }
}

function reportUnknown(key: string, path: Path, thing: string, reading: Reading): void {
  const known = Object.keys(fieldsAt(path))
  const meant = didYouMean(key, known)
  const remedy = meant === undefined ? `Remove it; the fields here are ${known.join(', ')}.` : `Did you mean ${meant}?`
  reading.wrong([...path, key], `${thing} has a field ${show(key)}, which does not exist.`, remedy)
}

function reportMissing(path: Path, root: unknown, reading: Reading): void {
  const field = String(path.at(-1))
  reading.wrong(
    path.slice(0, -1),
    `${called(root, path.slice(0, -1))} has no ${field}.`,
    `Add ${field}: ${describe(path)}`,
  )
}

function reportType(expected: string, value: unknown, path: Path, thing: string, reading: Reading): void {
  const wanted: { readonly [type: string]: readonly [string, string] } = {
    string: ['a text', `Put it in quotes: "${String(value)}".`],
    array: ['a list', 'Write it as a list: [one, two].'],
    object: ['a group of fields', `Write its fields under it: ${Object.keys(fieldsAt(path)).join(', ')}.`],
    boolean: ['true or false', 'Write true or false, without quotes.'],
    number: ['a number', 'Write a whole number, without quotes.'],
    int: ['a whole number', 'Write a whole number, without quotes.'],
  }
  const [what, remedy] = wanted[expected] ?? [expected, describe(path)]
  const isPlain = typeof value !== 'object' || value === null
  reading.wrong(
    path,
    `${thing} is ${show(value)}, which is not ${what}.`,
    expected === 'string' && !isPlain ? describe(path) : remedy,
  )
}

function reportChoice(values: readonly string[], value: unknown, path: Path, thing: string, reading: Reading): void {
  const meant = typeof value === 'string' ? didYouMean(value, values) : undefined
  const choice = values.length === 1 ? `Write ${values[0]}.` : `Write one of ${values.join(', ')}.`
  reading.wrong(
    path,
    `${thing} is ${show(value)}, which is none of its values.`,
    meant === undefined ? choice : `Did you mean ${meant}? ${choice}`,
  )
}

function reportSize(
  issue: Issue & { code: 'too_small' | 'too_big' },
  value: unknown,
  path: Path,
  thing: string,
  reading: Reading,
): void {
  const range = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`
  if (typeof value === 'number')
    reading.wrong(
      path,
      `${thing} is ${value}; it must be ${range}.`,
      path.at(-1) === 'port' ? 'A port is a number from 1 to 65535.' : describe(path),
    )
  else if (issue.code === 'too_small') reading.wrong(path, `${thing} is empty.`, describe(path))
  else reading.wrong(path, `${thing} is longer than ${issue.maximum} characters.`, 'Choose a shorter one.')
}

/** Of two shapes the one that was meant is the one whose outside fits; when neither does, all choices are named. */
function reportUnion(issue: Issue & { code: 'invalid_union' }, root: unknown, reading: Reading, path: Path): void {
  const inner = issue.errors.find((branch) => branch.every((i) => i.path.length > 0 || i.code === 'unrecognized_keys'))
  if (inner !== undefined) {
    for (const deeper of inner) report(deeper, root, reading, path)
    return
  }
  const values = issue.errors.flatMap((branch) =>
    branch.flatMap((i) => (i.code === 'invalid_value' ? i.values.map(String) : [])),
  )
  const value = valueAt(root, path)
  const meant = typeof value === 'string' ? didYouMean(value, values) : undefined
  const remedy = meant === undefined ? describe(path) : `Did you mean ${meant}?`
  reading.wrong(path, `${called(root, path)} is ${show(value)}, which is none of its values.`, remedy)
}

type JsonNode = { readonly [key: string]: unknown }

let published: JsonNode | undefined

/** The whole JSON Schema, made when the first sentence needs it. */
function schemaRoot(): JsonNode {
  published ??= z.toJSONSchema(projectSchema, { io: 'input' })
  return published
}

/** The JSON Schema node of a path: what may stand there. */
function nodeAt(path: Path): JsonNode {
  const root = schemaRoot()
  return path.reduce<JsonNode>(
    (node, step) => asNode(typeof step === 'number' ? resolved(root, node)['items'] : fieldsIn(root, node)[step]),
    root,
  )
}

function fieldsAt(path: Path): JsonNode {
  return fieldsIn(schemaRoot(), nodeAt(path))
}

function fieldsIn(root: JsonNode, node: JsonNode): JsonNode {
  const target = resolved(root, node)
  const branches = Array.isArray(target['anyOf']) ? target['anyOf'].map(asNode) : [target]
  return Object.assign({}, ...branches.map((b) => asNode(resolved(root, b)['properties'])))
}

function resolved(root: JsonNode, node: JsonNode): JsonNode {
  const name = /^#\/\$defs\/(\w+)$/.exec(String(node['$ref']))?.[1]
  return name === undefined ? node : asNode(asNode(root['$defs'])[name])
}

function asNode(value: unknown): JsonNode {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function describe(path: Path): string {
  const node = nodeAt(path)
  const text = node['description'] ?? resolved(schemaRoot(), node)['description']
  return typeof text === 'string' ? text : 'See the manual of the project file.'
}
