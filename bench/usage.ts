/** CPU time and memory of a server with everything it started, from /proc. */
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second in /proc (proc(5)): USER_HZ, 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

type Stat = { readonly pid: number; readonly parent: number; readonly ticks: number }

/** Seconds that the processes below `roots` have used; those of children that ended are their parent's (cutime, cstime). */
export function cpuSeconds(roots: readonly number[]): number {
  return family(roots).reduce((sum, stat) => sum + stat.ticks, 0) / ticksPerSecond
}

/** Memory of the processes below `roots`; pages that several share count once (Pss). */
export function megabytes(roots: readonly number[]): number {
  const kilobytes = family(roots).map(({ pid }) => {
    const text = contents(`/proc/${pid}/smaps_rollup`)
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0)
  })
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024
}

function family(roots: readonly number[]): readonly Stat[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? statOf(Number(name)) : []))
  const isOurs = new Set(roots)
  for (let before = -1; before !== isOurs.size; ) {
    before = isOurs.size
    for (const { pid, parent } of all) if (isOurs.has(parent)) isOurs.add(pid)
  }
  return all.filter(({ pid }) => isOurs.has(pid))
}

/** Fields of proc(5) after the name in brackets, which may hold anything: state is the first. Empty: it has ended. */
function statOf(pid: number): readonly Stat[] {
  const text = contents(`/proc/${pid}/stat`)
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields.length < 15) return []
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number)
  return [{ pid, parent: Number(fields[1]), ticks: (utime ?? 0) + (stime ?? 0) + (cutime ?? 0) + (cstime ?? 0) }]
}

/** A process may end between two looks. */
function contents(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
