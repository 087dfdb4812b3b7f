import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

const code = `
  import { spawn } from 'node:child_process'
  import { endHungChildren } from ${JSON.stringify(import.meta.resolve('./end-hung.ts'))}
  endHungChildren(500, (command) => console.log('told', command))
  spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); for (;;);', 'busy'])
    .on('exit', (code, signal) => console.log('ended by', signal))
  spawn(process.execPath, ['-e', '0', 'quick'])
    .on('exit', (code) => console.log('quick', code))`

test('a child that never gives the processor back is ended, one in time is not', {
  skip: process.platform !== 'linux',
}, async () => {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  parent.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await once(parent, 'close')
  assert.deepEqual(said.trim().split('\n'), ['quick 0', 'told busy', 'ended by SIGKILL'])
})
