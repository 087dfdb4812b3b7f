// The fuzzer: `npm run fuzz` for every reader, `npm run fuzz -- NAME... [--seconds N] [--seed N] [--grow]` for some.
//
// What it finds is written below test/fuzz/found/ as small as it will go; mend it, and make it a test with a name. With --grow, inputs
// that reached code which no seed reaches become seeds.

import { createHash } from 'node:crypto'
import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { runTarget, type Told } from '../test/support/fuzz/run-target.ts'
import { repositoryRoot } from './source-tree.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    grow: { type: 'boolean', default: false },
  },
})

const files = globSync('src/**/*.fuzz.ts', { cwd: repositoryRoot })
  .filter((file) => positionals.length === 0 || positionals.includes(basename(file, '.fuzz.ts')))
  .toSorted()
if (files.length === 0) {
  console.error(`no reader of that name: ${positionals.join(', ')}`)
  process.exit(2)
}
for (const file of files) {
  const told = await runTarget(join(repositoryRoot, file), {
    seed: Number(values.seed),
    forMs: Number(values.seconds) * 1000,
  })
  console.log(`${basename(file, '.fuzz.ts').padEnd(20)} ${told.runs} inputs, ${told.grown.length} reached new code`)
  if (values.grow) for (const input of told.grown) save(join('test/fuzz', told.name), input)
  if (told.failure !== undefined) tell(told.failure)
}

function tell(failure: NonNullable<Told['failure']>): void {
  process.exitCode = 1
  console.log(`  broken by ${save('test/fuzz/found', failure.input)}, seed ${values.seed}:\n  ${failure.why}`)
}

function save(folder: string, input: Buffer): string {
  const file = join(folder, `${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`)
  mkdirSync(join(repositoryRoot, folder), { recursive: true })
  writeFileSync(join(repositoryRoot, file), input)
  return file
}
