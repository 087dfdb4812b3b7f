import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { mailParameters, rcptParameters, splitArgument } from './parameters.ts'

// The refusals stand in test/dialogues/mail-parameters.txt, rcpt-parameters.txt and paths.txt; here is what is understood.

test('path and parameters', () => {
  assert.deepEqual(splitArgument('from:<a@x.example> SIZE=1  BODY=7BIT ', 'FROM:'), {
    path: 'a@x.example',
    parameters: 'SIZE=1  BODY=7BIT',
  })
  assert.deepEqual(splitArgument('TO:<"a> b\\">"@x.example>', 'TO:'), { path: '"a> b\\">"@x.example', parameters: '' })
})

test('everything that MAIL may say', () => {
  const text = 'SIZE=10 body=8bitmime SMTPUTF8 RET=full ENVID=a+2Bb AUTH=<>'
  assert.deepEqual(mailParameters(text, 100), {
    size: 10,
    body: '8BITMIME',
    smtputf8: true,
    ret: 'FULL',
    envid: 'a+2Bb',
  })
  assert.deepEqual(mailParameters('', 100), { body: '7BIT', smtputf8: false })
  assert.deepEqual(mailParameters('SIZE=101', 100), { fault: 'tooBig', parameter: 'SIZE' })
})

test('everything that RCPT may say, handed on as it came', () => {
  assert.deepEqual(rcptParameters('NOTIFY=failure,Delay ORCPT=RFC822;a+40b'), {
    notify: 'FAILURE,DELAY',
    orcpt: 'RFC822;a+40b',
  })
})

test('property: any text gives an answer', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      splitArgument(`FROM:${text}`, 'FROM:')
      mailParameters(text, 100)
      rcptParameters(text)
    }),
  )
})
