// What can be said about the code without running it. Each tool is a test, so that the run counts it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { repositoryRoot } from '../tools/source-tree.ts'

const tools: readonly { readonly says: string; readonly program: string; readonly args: readonly string[] }[] = [
  { says: 'types are right', program: 'tsc', args: ['-p', '.', '--pretty', 'false'] },
  { says: 'lint finds nothing', program: 'oxlint', args: ['--type-aware', '--format=unix', '.'] },
  { says: 'format and order of imports are kept', program: 'biome', args: ['check', '--colors=off', '.'] },
  { says: 'nothing lies about unused', program: 'knip', args: ['--no-progress'] },
]

for (const { says, program, args } of tools) {
  test(`${program}: ${says}`, async () => {
    const child = spawn(`node_modules/.bin/${program}`, args, {
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const exited = new Promise((resolve) => child.once('close', resolve))
    const [code, output, errors] = await Promise.all([exited, text(child.stdout), text(child.stderr)])
    assert.equal(code, 0, `${program} ${args.join(' ')}\n${output}${errors}`)
  })
}
