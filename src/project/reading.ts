/** A project file while it is being read: its folder, its lines, and what was found to be wrong. */

import type { Closed, Secret } from '../secrets/vault/vault.ts'
import { called } from './called.ts'
import { type Findings, type Place, problem } from './findings.ts'
import type { Path, YamlFile } from './yaml-file.ts'

/** What lies in the vault under a name. */
export type SecretSource = (name: string) => Secret | Closed

const noVault: SecretSource = () => ({
  kind: 'closed',
  why: 'only the gateway that keeps it can read',
  remedy: 'Ask the running gateway, without --project; or name a file.',
})

export type Reading = {
  readonly file: string
  /** Absolute; what the file names is relative to it. */
  readonly folder: string
  readonly secrets: SecretSource
  readonly findings: Findings
  at(path: Path): Place
  /** What the place is called in a sentence. */
  called(path: Path): string
  /** Something that the project cannot be loaded with. */
  wrong(path: Path, text: string, remedy: string): undefined
  warn(path: Path, text: string, remedy: string): void
}

/** A part of the document whose shape is right, and where it stands. */
export type Piece<T> = { readonly value: T; readonly path: Path }

export function startReading(
  file: string,
  folder: string,
  yaml: YamlFile,
  findings: Findings,
  secrets: SecretSource = noVault,
): Reading {
  const at = (path: Path): Place => ({ file, line: yaml.lineOf(path) })
  return {
    file,
    folder,
    secrets,
    findings,
    at,
    called: (path) => called(yaml.value, path),
    wrong: (path, text, remedy) => {
      findings.problems.push(problem(at(path), text, remedy))
    },
    warn: (path, text, remedy) => {
      findings.warnings.push(problem(at(path), text, remedy))
    },
  }
}

/** What was read, and whether nothing was wrong with it: what builds on it need not be told again. */
export function attempt<T>(reading: Reading, read: () => T): { readonly value: T; readonly isSound: boolean } {
  const before = reading.findings.problems.length
  const value = read()
  return { value, isSound: reading.findings.problems.length === before }
}
