// The files of this repository as the rules read them: a path from the root, and a text. Made-up trees in tests have
// the same shape.

import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Text of each file by its path from the root, with forward slashes. */
export type SourceTree = ReadonlyMap<string, string>

export const repositoryRoot = resolve(import.meta.dirname, '..')

/** Reads the files that the patterns name, for example `src/**\/*.ts`. */
export function readSourceTree(...patterns: readonly string[]): SourceTree {
  const paths = globSync([...patterns], {
    cwd: repositoryRoot,
    exclude: ['**/node_modules/**', '**/fixtures/**'],
  }).sort()
  return new Map(paths.map((path) => [path, readFileSync(join(repositoryRoot, path), 'utf8')]))
}
