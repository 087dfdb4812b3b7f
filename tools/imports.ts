// Which files does a TypeScript file lean on? Read from its text, without a parser: Biome keeps imports in one form.

import { posix } from 'node:path'
import type { SourceTree } from './source-tree.ts'

/** How a file leans on another: a value at run time, a type that is erased, or a file that it starts as a worker. */
export type ImportKind = 'value' | 'type' | 'file'

export type Import = {
  readonly from: string
  readonly line: number
  /** A path from the root for our own files, otherwise the package as written. */
  readonly to: string
  readonly ours: boolean
  readonly kind: ImportKind
  /** What is taken, as written between `import` and `from`; '' where the form has no such place. */
  readonly names: string
}

const clause = /(?:[\w$]+\s*,\s*)?(?:\{[^{}]*\}|\*(?:\s+as\s+[\w$]+)?|[\w$]+)/.source
const statement = new RegExp(
  `^(?:import|export)\\s+(?:(type)\\s+(?!from\\b))?(${clause})\\s*from\\s*['"]([^'"]+)['"]`,
  'gm',
)
const sideEffect = /^import\s*['"]([^'"]+)['"]/gm
const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*[,)](\s*\.\s*[A-Z])?/g
const workerFile = /\bnew URL\(\s*['"](\.[^'"]+\.ts)['"]\s*,\s*import\.meta\.url\s*\)/g

export function importsOf(path: string, text: string): readonly Import[] {
  const code = blankComments(text)
  const found: Import[] = []
  const add = (match: RegExpExecArray, specifier: string, kind: ImportKind, names = '') => {
    const ours = specifier.startsWith('.')
    const to = ours ? posix.join(posix.dirname(path), specifier) : specifier
    found.push({ from: path, line: lineAt(code, match.index), to, ours, kind, names: names.trim() })
  }
  for (const m of code.matchAll(statement)) add(m, m[3] ?? '', m[1] ? 'type' : 'value', m[2])
  for (const m of code.matchAll(sideEffect)) add(m, m[1] ?? '', 'value')
  for (const m of code.matchAll(dynamic)) add(m, m[1] ?? '', m[2] ? 'type' : 'value')
  for (const m of code.matchAll(workerFile)) add(m, m[1] ?? '', 'file')
  return found.sort((a, b) => a.line - b.line)
}

export function allImports(tree: SourceTree): readonly Import[] {
  return [...tree].flatMap(([path, text]) => importsOf(path, text))
}

/** Comments that take whole lines become empty lines, so that an example in one is not taken for an import. */
function blankComments(text: string): string {
  return text.replace(/^[ \t]*(?:\/\/.*|\/\*[\s\S]*?\*\/)/gm, (comment) => comment.replace(/[^\n]/g, ' '))
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
