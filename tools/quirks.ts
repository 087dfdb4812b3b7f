// The list of docs/quirks.md: where the code bends to the real world. A comment says it, marked with the word QUIRK and a
// colon; the text runs to the end of that comment.

import { posix } from 'node:path'
import type { Section } from './section.ts'
import type { SourceTree } from './source-tree.ts'

export type Quirk = { readonly path: string; readonly text: string }

export function quirksSection(tree: SourceTree): Section {
  const quirks = allQuirks(tree)
  const folders = [...new Set(quirks.map(({ path }) => posix.dirname(path)))].sort()
  const parts = folders.map((folder) => {
    const here = quirks.filter(({ path }) => posix.dirname(path) === folder)
    return [`### ${folder.replace(/^src\//, '')}`, '', ...here.map(line)].join('\n')
  })
  return { document: 'docs/quirks.md', name: 'quirks', text: parts.join('\n\n') }
}

export function allQuirks(tree: SourceTree): readonly Quirk[] {
  return [...tree].flatMap(([path, text]) => quirksIn(text).map((quirk) => ({ path, text: quirk })))
}

function line({ path, text }: Quirk): string {
  return `- ${text} ([${posix.basename(path)}](../${path}))`
}

function quirksIn(source: string): readonly string[] {
  const lines = source.split('\n')
  return lines.flatMap((text, at) => {
    const comment = /(?:\/\/|^\s*\/?\*+).*?QUIRK: *(.*)/.exec(text)
    return comment === null ? [] : [readOn(comment[1] ?? '', lines, at + 1)]
  })
}

/** The comment's further lines, up to its end, an empty line of it, or the next mark. */
function readOn(first: string, lines: readonly string[], next: number): string {
  const words = [first]
  for (let at = next; !words.at(-1)?.includes('*/'); at++) {
    const more = /^\s*(?:\/\/|\*(?!\/))\s*(\S.*)/.exec(lines[at] ?? '')?.[1]
    if (more === undefined || more.includes('QUIRK:')) break
    words.push(more)
  }
  return words
    .join(' ')
    .replace(/\s*\*\/.*/, '')
    .replace(/\s+/g, ' ')
    .trim()
}
