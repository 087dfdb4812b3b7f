/** People on the move: where they were, where they go, and how far they are. One row, one person. */
import type { Row } from './csv.ts'
import type { EntryText, Mode } from './entry.ts'
import { type Findings, problem } from './findings.ts'
import { didYouMean, show } from './names.ts'
import { modes } from './schema.ts'

export const peopleColumns = { required: ['Source', 'Target', 'Mode'], optional: [] }

/** The two addresses of somebody who moves. */
export type Pair = { readonly source: string; readonly target: string }

/** What each stage of a move means for the two addresses (docs/project-file.md, "Stages of a move"). */
export function inMode(
  mode: Mode,
  { source, target }: Pair,
): Pick<EntryText, 'internal' | 'external' | 'mode'> & { readonly aliases: readonly string[] } {
  switch (mode) {
    case 'None':
      return { internal: source, external: source, aliases: [target], mode }
    case 'DayOne':
      return { internal: source, external: target, aliases: [], mode }
    case 'DayTwo':
      return { internal: target, external: source, aliases: [], mode }
    case 'Done':
      return { internal: target, external: target, aliases: [source], mode }
  }
}

/** `DayOne`, `dayone` and `Day One` are the same. */
export function readMode(text: string): Mode | undefined {
  const plain = text.replace(/\s+/g, '').toLowerCase()
  return modes.find((mode) => mode.toLowerCase() === plain)
}

export function peopleReader(findings: Findings): (row: Row) => EntryText | undefined {
  return (row) => personEntry(row, findings)
}

function personEntry(row: Row, findings: Findings): EntryText | undefined {
  const pair = { source: row.field('source'), target: row.field('target') }
  const mode = readMode(row.field('mode'))
  const before = findings.problems.length
  const wrong = (text: string, remedy: string): void => void findings.problems.push(problem(row.place, text, remedy))
  if (mode === undefined) {
    const meant = didYouMean(row.field('mode'), modes)
    wrong(
      `Mode is ${show(row.field('mode'))}.`,
      `${meant === undefined ? '' : `Did you mean ${meant}? `}Write one of ${modes.join(', ')}.`,
    )
  }
  for (const [column, address] of [
    ['Source', pair.source],
    ['Target', pair.target],
  ]) {
    if (!/^[^@*].*@/.test(address ?? ''))
      wrong(`${column} is ${show(address)}, which is not an address.`, 'Each row is one person with two addresses.')
  }
  if (mode === undefined || findings.problems.length > before) return undefined
  return { ...inMode(mode, pair), source: row.place }
}
