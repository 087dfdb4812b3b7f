/** A project file while it is being read: its folder, its lines, and what was found to be wrong. */
import { type Findings, type Place, problem } from './findings.ts'
import type { Path, YamlFile } from './yaml-file.ts'

export type Reading = {
  readonly file: string
  /** Absolute; what the file names is relative to it. */
  readonly folder: string
  readonly findings: Findings
  at(path: Path): Place
  /** Something that the project cannot be loaded with. */
  wrong(path: Path, text: string, remedy: string): undefined
  warn(path: Path, text: string, remedy: string): void
}

/** A part of the document whose shape is right, and where it stands. */
export type Piece<T> = { readonly value: T; readonly path: Path }

export function startReading(file: string, folder: string, yaml: YamlFile, findings: Findings): Reading {
  const at = (path: Path): Place => ({ file, line: yaml.lineOf(path) })
  return {
    file,
    folder,
    findings,
    at,
    wrong: (path, text, remedy) => {
      findings.problems.push(problem(at(path), text, remedy))
    },
    warn: (path, text, remedy) => {
      findings.warnings.push(problem(at(path), text, remedy))
    },
  }
}
