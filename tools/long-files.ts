// A file past 400 lines has a reason, or it is two files.

import type { SourceTree } from './source-tree.ts'

export const maxLines = 400

/** Long files with the reason for which each stays whole. */
const reasons: Readonly<Record<string, string>> = {}

export function longFileProblems(
  tree: SourceTree,
  allowed: Readonly<Record<string, string>> = reasons,
): readonly string[] {
  const tooLong = [...tree]
    .filter(([path, text]) => linesOf(text) > maxLines && allowed[path] === undefined)
    .map(([path, text]) => `${path}: has ${linesOf(text)} lines; part it, or give the reason in tools/long-files.ts`)
  const idle = Object.keys(allowed)
    .filter((path) => linesOf(tree.get(path) ?? '') <= maxLines)
    .map((path) => `${path}: is no longer long; take it out of tools/long-files.ts`)
  return [...tooLong, ...idle]
}

function linesOf(text: string): number {
  return text.split('\n').length - 1
}
