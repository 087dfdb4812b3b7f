// The test run: `npm test` for everything, `npm test -- PATH...` for some files or folders.
//
// First what needs no running (types, lint, format, unused code, rules of the repository: test/static.test.ts and
// test/repository.test.ts), then the rest, two files at a time or as many as the machine has processors. All of it is one
// run of node:test, so that its closing lines count everything; they are the last thing printed.

import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import process from 'node:process'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { endHungChildren } from './end-hung.ts'
import { repositoryRoot } from './source-tree.ts'

const patterns = ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts']
const firstFiles = ['test/static.test.ts', 'test/repository.test.ts']

/** A file that has not finished by then hangs; its process is ended and the file has failed. */
const fileTimeoutMs = 300_000

const files = process.argv.length > 2 ? chosenFiles(process.argv.slice(2)) : allFiles()
if (files.length === 0) {
  console.error('no test file found')
  process.exit(2)
}
process.chdir(repositoryRoot)
keepOnThisMachine()

// Later than node:test itself would, so that a test that only waits is told by name.
endHungChildren(fileTimeoutMs + 10_000, (file) => console.error(`${file}: hangs, ended`))
const tests = run({ files, concurrency: Math.max(2, availableParallelism()), timeout: fileTimeoutMs })
tests.on('test:fail', (event) => {
  if (event.todo === undefined || event.todo === false) process.exitCode = 1
})
tests.compose(new spec()).pipe(process.stdout)

function allFiles(): readonly string[] {
  const found = globSync(patterns, { cwd: repositoryRoot, exclude: ['**/fixtures/**'] }).sort()
  return [...firstFiles, ...found.filter((file) => !firstFiles.includes(file))]
}

/** Files as named, from where the caller stands; a folder means the tests in it. */
function chosenFiles(named: readonly string[]): readonly string[] {
  return named.flatMap((name) => {
    const path = relative(repositoryRoot, join(process.env['INIT_CWD'] ?? process.cwd(), name))
    const isFolder = statSync(join(repositoryRoot, path), { throwIfNoEntry: false })?.isDirectory()
    return isFolder
      ? globSync('**/*.test.ts', { cwd: join(repositoryRoot, path) }).map((file) => join(path, file))
      : [path]
  })
}

/** By the environment, so that the programs that tests start are kept as well. */
function keepOnThisMachine(): void {
  const guard = `--import=${new URL('../test/support/guard.ts', import.meta.url).href}`
  process.env['NODE_OPTIONS'] = [process.env['NODE_OPTIONS'], guard].filter(Boolean).join(' ')
}
