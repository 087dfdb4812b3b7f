/** What is wrong with a project, gathered so that all of it can be told at once. */

/** One thing that is wrong. `line` counts from 1; 0 when the whole file is meant. */
export type Problem = {
  readonly file: string
  readonly line: number
  /** What is wrong; names the thing and the value. */
  readonly text: string
  /** What to do about it, one sentence. */
  readonly remedy: string
}

export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] }

export type Place = { readonly file: string; readonly line: number }

/** Problems and warnings while they are being found. */
export type Findings = { readonly problems: Problem[]; readonly warnings: Problem[] }

/** Past this many the rest of a broken file tells nothing new. */
const maxPerFile = 1000

/** What was found before. */
export type Found = { readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] }

export function noFindings(): Findings {
  return { problems: [], warnings: [] }
}

export function problem(place: Place, text: string, remedy: string): Problem {
  return { file: place.file, line: place.line, text, remedy }
}

export function refusal<T>(...problems: readonly Problem[]): Result<T> {
  return { ok: false, problems, warnings: [] }
}

/** The value when nothing is wrong with it, else everything that is, in the order of the files. */
export function settle<T>(findings: Findings, value: T | undefined): Result<T> {
  const warnings = inOrder(findings.warnings)
  if (findings.problems.length > 0) return { ok: false, problems: inOrder(findings.problems), warnings }
  if (value === undefined) throw new Error('neither a value nor a problem')
  return { ok: true, value, warnings }
}

/** By file as they were first met, then by line. The same sentence about the same line is said once. */
function inOrder(found: readonly Problem[]): readonly Problem[] {
  const files = new Map<string, Map<string, Problem>>()
  for (const one of found) {
    const group = files.get(one.file) ?? new Map<string, Problem>()
    files.set(one.file, group.set(`${one.line} ${one.text}`, one))
  }
  return [...files.values()].flatMap((group) => bounded([...group.values()].sort((a, b) => a.line - b.line)))
}

function bounded(found: readonly Problem[]): readonly Problem[] {
  const last = found[maxPerFile - 1]
  if (found.length <= maxPerFile || last === undefined) return found
  const more = problem(last, `${found.length - maxPerFile} more of this file are not shown.`, 'Correct these first.')
  return [...found.slice(0, maxPerFile), more]
}

/** For people: `project.yaml:12: what is wrong` and, indented, what to do. */
export function problemText(p: Problem): string {
  const place = p.line > 0 ? `${p.file}:${p.line}` : p.file
  return `${place}: ${p.text}\n    ${p.remedy}`
}
