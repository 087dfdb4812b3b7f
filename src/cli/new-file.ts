/** Files that a command writes: for their owner alone, and never over what is there. */
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { Stop } from './io.ts'

export function openNew(file: string): number {
  try {
    return openSync(file, 'wx', 0o600)
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    const why = isThere ? 'it is there already; remove it, or name another' : String(error)
    throw new Stop(3, `cannot write ${file}: ${why}`)
  }
}

export function writeNew(file: string, text: string): void {
  const to = openNew(file)
  writeFileSync(to, text)
  closeSync(to)
}
