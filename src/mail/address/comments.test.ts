import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commentsIn } from './address.ts'

const shapes: readonly (readonly [value: string, ...comments: string[]])[] = [
  ['a@x'],
  ['"(no comment)" <a@x>'],
  ['a@x (John)', ' (John)'],
  ['(a)\r\n (b) j <(c)a(d)@x> (e\\))', '(a)\r\n (b) ', '(c)', '(d)', ' (e\\))'],
  ['a@x (never closed'],
  ['(<a@y> "b" (c)) a@x', '(<a@y> "b" (c)) '],
]

for (const [value, ...comments] of shapes)
  test(`comments of ${JSON.stringify(value)}`, () => {
    assert.deepEqual(
      commentsIn(value).map(({ start, end }) => value.slice(start, end)),
      comments,
    )
  })
