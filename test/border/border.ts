/**
 * `npm run test:border`: attacks on the real program, and a table of what came of them. With names (`relay smuggling`) only
 * these families; with `--short` the form that `npm test` runs; with `--out DIR` everything printed goes there as well, what
 * programs that are not ours said in files of their own. Exit code 1: something did not hold.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Family, heading, play, type Row, rowLine } from './attack.ts'

// Before the first socket: what is tried here stays on this machine, and so does what is started.
const guard = new URL('../support/guard.ts', import.meta.url).href
process.env['NODE_OPTIONS'] = [process.env['NODE_OPTIONS'], `--import=${guard}`].filter(Boolean).join(' ')
await import(guard)
const { families } = await import('./all.ts')
const { endSharedStage } = await import('./stage.ts')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false }, out: { type: 'string' } },
})
const unknown = positionals.filter((name) => !families.some((family) => family.name === name))
if (unknown.length > 0) {
  console.error(`no such family: ${unknown.join(', ')}; there are ${families.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const printed: string[] = []
const rows: Row[] = []
for (const family of families)
  if (positionals.length === 0 || positionals.includes(family.name)) rows.push(...(await one(family)))
await endSharedStage()
const failed = rows.filter(({ held }) => !held)
print(`\n${rows.length} attacks, ${rows.length - failed.length} held, ${failed.length} NOT HELD`)
for (const { family, attack, expected, happened } of failed)
  print(`  ${family}: ${attack}\n    expected: ${expected}\n    happened: ${happened}`)
keep('table.txt', printed.join('\n'))
process.exitCode = failed.length === 0 ? 0 : 1

async function one(family: Family): Promise<readonly Row[]> {
  print(`\n${family.name}: ${family.title}`)
  const why = family.cannot?.() ?? (values.short && family.isLong === true ? 'long form only' : undefined)
  if (why !== undefined) {
    print(`  ${why}`)
    return []
  }
  heading.forEach(print)
  return play(family, { isShort: values.short, keep, told: (row) => print(rowLine(row)) })
}

function print(line: string): void {
  console.log(line)
  printed.push(line)
}

function keep(name: string, text: string): void {
  if (values.out === undefined) return
  mkdirSync(values.out, { recursive: true })
  writeFileSync(join(values.out, name), text.endsWith('\n') ? text : `${text}\n`)
}
