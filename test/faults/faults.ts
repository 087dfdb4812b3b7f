/**
 * `npm run test:faults`: every fault in its long form, one after the other, and a table at the end. With names (`F1 F9`)
 * only these; with `--short` the form that `npm test` runs. Exit code 1: something did not hold.
 */
import { type Fault, type Finding, findingLine } from './fault.ts'

// Before the first socket: what is tried here stays on this machine, and so does what is started.
const guard = new URL('../support/guard.ts', import.meta.url).href
process.env['NODE_OPTIONS'] = [process.env['NODE_OPTIONS'], `--import=${guard}`].filter(Boolean).join(' ')
await import(guard)
const { faults } = await import('./all.ts')

const words = process.argv.slice(2)
const isShort = words.includes('--short')
const names = words.filter((word) => word !== '--short').map((word) => word.toUpperCase())
const unknown = names.filter((name) => !faults.some(({ id }) => id === name))
if (unknown.length > 0) {
  console.error(`no such fault: ${unknown.join(', ')}; there are ${faults.map(({ id }) => id).join(', ')}`)
  process.exit(2)
}

const table: string[] = []
for (const fault of faults) if (names.length === 0 || names.includes(fault.id)) await play(fault)
console.log(`\n${table.join('\n')}`)

async function play(fault: Fault): Promise<void> {
  const why = fault.cannot?.() ?? (isShort && fault.isLong === true ? 'long form only' : undefined)
  if (why !== undefined) return note(`${fault.id.padEnd(4)} ${fault.title}: ${why}`)
  console.log(`${fault.id} ${fault.title} ...`)
  try {
    const finding = await fault.run({ isShort, say: (line) => console.log(`  ${line}`) })
    note([findingLine(fault, finding), ...brokenLines(finding)].join('\n'))
    if (finding.broken.length > 0) process.exitCode = 1
  } catch (error) {
    console.error(error)
    note(`${fault.id.padEnd(4)} ${fault.title}: BROKE OFF, ${String(error).split('\n', 1)[0]}`)
    process.exitCode = 1
  }
}

function brokenLines({ broken }: Finding): readonly string[] {
  return broken.map((sentence) => `       ${sentence}`)
}

function note(line: string): void {
  console.log(line)
  table.push(line)
}
