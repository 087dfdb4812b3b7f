// Ends child processes that outlive their time. The time limit of node:test does not do it for a test that never gives
// the processor back: such a process reads no signal but SIGKILL.

import { readFileSync } from 'node:fs'
import process from 'node:process'

const lookEveryMs = 1000

/** Watches this process's children until it ends. Where there is no /proc, it does nothing. */
export function endHungChildren(afterMs: number, tell: (command: string) => void): void {
  let since = new Map<number, number>()
  const look = () => {
    const now = Date.now()
    since = new Map(childrenOfThisProcess().map((pid) => [pid, since.get(pid) ?? now]))
    for (const [pid, start] of since) {
      if (now - start < afterMs) continue
      tell(commandOf(pid))
      kill(pid)
    }
  }
  setInterval(look, lookEveryMs).unref()
}

/** It may have ended in this moment; then there is nothing to do. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {}
}

function childrenOfThisProcess(): readonly number[] {
  return readProc(`self/task/${process.pid}/children`).split(' ').filter(Boolean).map(Number)
}

/** The last argument: what a process of node:test runs. */
function commandOf(pid: number): string {
  return readProc(`${pid}/cmdline`).split('\0').filter(Boolean).at(-1) ?? `process ${pid}`
}

/** Empty where there is no such file, for example because the process has ended in this moment. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return ''
  }
}
