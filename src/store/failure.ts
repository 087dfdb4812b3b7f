/** What an error of SQLite means for whoever asked. */
import { statfsSync } from 'node:fs'

export type Failure = {
  readonly why: string
  /** No room on the disk; otherwise it is broken, busy, or the statement was wrong. */
  readonly isFull: boolean
}

const full = 13
/** SQLite's ERROR, TOOBIG, CONSTRAINT, MISMATCH and RANGE: the statement or its values; all others are about the file. */
const aboutTheStatement: ReadonlySet<number> = new Set([1, 18, 19, 20, 25])

/** False when the file or its disk is at fault, so that no other statement can be trusted to do better. */
export function isAboutTheStatement(error: unknown): boolean {
  const code = primaryCode(error)
  return code === undefined || aboutTheStatement.has(code)
}

/** `file`: the database that failed, where it is known. A disk without room shows itself in other ways too: the -shm file cannot grow. */
export function failureOf(error: unknown, file?: string): Failure {
  const why = error instanceof Error ? error.message : String(error)
  const code = primaryCode(error)
  return { why, isFull: code === full || (file !== undefined && !aboutTheStatement.has(code ?? 0) && hasNoRoom(file)) }
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return Number(error.errcode) & 0xff
}

function hasNoRoom(file: string): boolean {
  try {
    const { bavail, files, ffree } = statfsSync(file)
    return bavail === 0 || (files > 0 && ffree === 0)
  } catch {
    return false
  }
}
