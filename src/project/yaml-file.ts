/** The text of the project file: YAML 1.2 read into plain values, with the line of each of them. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'
import { type Problem, problem } from './findings.ts'
import { hasControl, show } from './names.ts'

export type Path = readonly (string | number)[]

export type YamlFile = {
  readonly value: unknown
  /** The line of a field, or of the nearest thing around it that is there. */
  lineOf(path: Path): number
}

export const maxYamlBytes = 256 * 1024 * 1024
// An alias may stand for a list of aliases: without a bound a short file becomes a long one.
const maxAliases = 100

const nested = ['The YAML is nested too deeply to be read', 'A project file has no more than six levels.'] as const

type Parsed =
  | { readonly ok: true; readonly file: YamlFile }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export function readYaml(bytes: Buffer, file: string): Parsed {
  if (bytes.length > maxYamlBytes)
    return broken(
      file,
      0,
      'The file is larger than 256 MB.',
      'Put people into CSV files and name them under directoryFiles.',
    )
  const text = decode(bytes)
  if (text === undefined) return broken(file, 0, 'The file is not UTF-8 text.', 'Save it as UTF-8.')
  const control = /[^\P{Cc}\t\n\r]/u.exec(text)
  if (control !== null)
    return broken(
      file,
      lineAt(text, control.index),
      `A control character stands here: ${show(control[0])}.`,
      'Remove it.',
    )
  try {
    return parse(text, file)
  } catch (error) {
    // The reader descends: brackets by the thousand exhaust the stack.
    if (!(error instanceof RangeError)) throw error
    return broken(file, 1, `${nested[0]}.`, nested[1])
  }
}

function parse(text: string, file: string): Parsed {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, version: '1.2' })
  const errors = [...document.errors, ...document.warnings]
  if (errors.length > 0) return { ok: false, problems: syntaxProblems(errors, file, lines) }
  const contents = document.contents
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return broken(file, 1, 'The file is empty.', 'A project file begins with `name:`, `gateway:` and `tenants:`.')
  }
  const lineOf = (node: Node | undefined): number => lines.linePos(node?.range?.[0] ?? 0).line
  const alias = firstAlias(contents)
  try {
    const value: unknown = document.toJS({ maxAliasCount: maxAliases })
    if (alias !== undefined && holdsItself(value, [])) return broken(file, lineOf(alias), aliasProblem(alias), noAlias)
    if (!isMap(contents))
      return broken(
        file,
        lineOf(contents),
        'The file is not a mapping of fields.',
        'A project file begins with `name:`, `gateway:` and `tenants:`.',
      )
    return { ok: true, file: { value, lineOf: (path) => lines.linePos(positionOf(contents, path)).line } }
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    return broken(file, lineOf(alias), aliasProblem(alias), noAlias)
  }
}

const noAlias = 'Write the value out; one that begins with * or & must stand in quotes: "*.contoso.com".'

/** `a: &a [*a]` has no end. */
function holdsItself(value: unknown, within: readonly object[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return within.includes(value) || Object.values(value).some((inner) => holdsItself(inner, [...within, value]))
}

function broken(file: string, line: number, text: string, remedy: string): Parsed {
  return { ok: false, problems: [problem({ file, line }, text, remedy)] }
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

function firstAlias(contents: Node): Node | undefined {
  let found: Node | undefined
  visit(contents, {
    Alias: (_, node) => {
      found = node
      return visit.BREAK
    },
  })
  return found
}

function aliasProblem(alias: Node | undefined): string {
  const name = isAlias(alias) ? alias.source : ''
  return `The reference *${name} leads to nothing, or to too much.`
}

/** The mistakes that project files really have, in words; YAML's own for the others. */
const known: { readonly [code: string]: readonly [string, string] } = {
  BAD_SCALAR_START: [
    'A value begins with a character that YAML keeps for itself',
    'Put the value in quotes: "@contoso.com".',
  ],
  DUPLICATE_KEY: ['This field stands twice', 'Keep one of the two.'],
  MULTIPLE_DOCS: [
    'The file holds more than one document',
    'Remove the line `---` and what does not belong to the project.',
  ],
  TAB_AS_INDENT: ['A tab stands where the indentation should be', 'Indent with spaces.'],
  RESOURCE_EXHAUSTION: nested,
}

function syntaxProblems(errors: readonly YAMLError[], file: string, lines: LineCounter): readonly Problem[] {
  // What follows from running out of room says nothing more.
  const [exhausted] = errors.filter((error) => error.code === 'RESOURCE_EXHAUSTION')
  return (exhausted === undefined ? errors : [exhausted]).map((error) => {
    const [what, remedy] = known[error.code] ?? [
      `This is not YAML: ${error.message.split('\n')[0]}`,
      'Correct the indentation, quotes or brackets here.',
    ]
    return problem({ file, line: lines.linePos(error.pos[0]).line }, `${what}.`, remedy)
  })
}

/** Offset of a field's name, or of a list's item. */
function positionOf(root: Node, path: Path): number {
  let node: unknown = root
  let position = root.range?.[0] ?? 0
  for (const step of path) {
    const next: { readonly node: unknown; readonly position: number | undefined } | undefined = child(node, step)
    if (next === undefined) return position
    position = next.position ?? position
    node = next.node
  }
  return position
}

function child(
  node: unknown,
  step: string | number,
): { readonly node: unknown; readonly position: number | undefined } | undefined {
  if (isSeq<Node>(node) && typeof step === 'number') {
    const item = node.items[step]
    return item === undefined ? undefined : { node: item, position: item.range?.[0] }
  }
  if (!isMap<Node, Node>(node)) return undefined
  const pair: Pair<Node, Node | null> | undefined = node.items.find(
    ({ key }) => isScalar(key) && String(key.value) === step,
  )
  return pair === undefined ? undefined : { node: pair.value, position: pair.key.range?.[0] }
}

/** Every text in the file that holds a character which could end a line of a header or hide in one. */
export function controlCharacters(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value === 'string') return hasControl(value) ? [path] : []
  if (Array.isArray(value)) return value.flatMap((item: unknown, i) => controlCharacters(item, [...path, i]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) =>
    hasControl(key) ? [[...path, key]] : controlCharacters(item, [...path, key]),
  )
}
