import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completed, missingEntries } from './complete-lockfile.ts'

const tool = {
  version: '2.6.8',
  dev: true,
  optionalDependencies: {
    '@x/cli-linux-x64': '2.6.8',
    '@x/cli-win32-arm64': '2.6.8',
    '@x/cli-darwin-universal': '^2.6.8',
  },
}
const packages = {
  '': {},
  'node_modules/tool': tool,
  'node_modules/@x/cli-linux-x64': { version: '2.6.8', os: ['linux'], cpu: ['x64'] },
}

test('names each optional dependency without an entry', () => {
  assert.deepEqual(missingEntries(packages), [
    { name: '@x/cli-win32-arm64', version: '2.6.8', wantedBy: 'node_modules/tool' },
    { name: '@x/cli-darwin-universal', version: '^2.6.8', wantedBy: 'node_modules/tool' },
  ])
})

test('an entry beside the package or in any folder above it counts', () => {
  const inner = { optionalDependencies: { a: '1.0.0', b: '1.0.0' } }
  const nested = {
    'node_modules/outer/node_modules/inner': inner,
    'node_modules/outer/node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '1.0.0' },
  }
  assert.deepEqual(missingEntries(nested), [])
})

test('completes them with the platform that the name tells, in order, and then nothing is missing', () => {
  const whole = completed(packages)
  assert.deepEqual(missingEntries(whole), [])
  assert.deepEqual(Object.keys(whole), [...Object.keys(whole)].sort())
  assert.deepEqual(whole['node_modules/@x/cli-win32-arm64'], {
    version: '2.6.8',
    cpu: ['arm64'],
    dev: true,
    optional: true,
    os: ['win32'],
  })
  assert.deepEqual(whole['node_modules/@x/cli-darwin-universal'], {
    version: '2.6.8',
    dev: true,
    optional: true,
    os: ['darwin'],
  })
})

test('leaves alone what tells no platform', () => {
  const odd = { 'node_modules/tool': { optionalDependencies: { fsevents: '2.0.0' } } }
  assert.deepEqual(completed(odd), odd)
})
