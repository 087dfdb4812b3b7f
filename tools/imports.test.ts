import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf } from './imports.ts'

function read(code: string): readonly string[] {
  return importsOf('src/a/b.ts', code).map(({ kind, to, names }) => `${kind} ${to} ${names}`.trim())
}

const forms: readonly (readonly [code: string, read: string])[] = [
  [`import a from './c.ts'`, 'value src/a/c.ts a'],
  [`import a, { b } from './c.ts'`, 'value src/a/c.ts a, { b }'],
  [`import * as a from '../c/c.ts'`, 'value src/c/c.ts * as a'],
  [`import { type A, b } from './c.ts'`, 'value src/a/c.ts { type A, b }'],
  [`import type { A } from './c.ts'`, 'type src/a/c.ts { A }'],
  [`import type A from './c.ts'`, 'type src/a/c.ts A'],
  [`import {\n  a, // with 'quotes'\n  b,\n} from './c.ts'`, `value src/a/c.ts {\n  a, // with 'quotes'\n  b,\n}`],
  [`import './c.ts'`, 'value src/a/c.ts'],
  [`import fs from "node:fs"`, 'value node:fs fs'],
  [`export { a } from './c.ts'`, 'value src/a/c.ts { a }'],
  [`export type { A } from './c.ts'`, 'type src/a/c.ts { A }'],
  [`export * from './c.ts'`, 'value src/a/c.ts *'],
  [`export * as c from './c.ts'`, 'value src/a/c.ts * as c'],
  [`  const c = await import('./c.ts')`, 'value src/a/c.ts'],
  [`let c: import('./c.ts').C`, 'type src/a/c.ts'],
  [`new Worker(new URL('./c.ts', import.meta.url))`, 'file src/a/c.ts'],
]

for (const [code, expected] of forms) {
  test(`reads ${code.replaceAll('\n', ' ')}`, () => {
    assert.deepEqual(read(`export type Before = {\n  readonly a: string\n}\n${code}\nexport const after = 'from'\n`), [
      expected,
    ])
  })
}

test('reads nothing out of comments and declarations', () => {
  assert.deepEqual(
    read(`// import a from './c.ts'\n/** import './c.ts' */\nexport const from = 'from'\nexport type T = { a: 'b' }\n`),
    [],
  )
})
