import assert from 'node:assert/strict'
import { chunksOf, type FuzzTarget } from '../../../test/support/fuzz/target.ts'
import { LineReader } from './line-reader.ts'
import { mailParameters, rcptParameters, splitArgument } from './parameters.ts'

export const target: FuzzTarget = {
  name: 'command',
  tokens: [
    'MAIL FROM:<',
    'RCPT TO:<',
    '>',
    ' SIZE=',
    ' BODY=8BITMIME',
    ' SMTPUTF8',
    ' NOTIFY=NEVER',
    ' ORCPT=rfc822;',
    ' RET=HDRS',
    ' ENVID=',
    '"',
    '\\',
    '+3D',
    '\r\n',
    '\n',
    '\r',
    '\0',
    '\xc3\xa4',
  ],
  maxBytes: 8192,
  run(input) {
    const whole = lines([input])
    assert.deepEqual(lines(chunksOf(input)), whole, 'the same wherever the network cuts')
    for (const line of whole) if (line.kind === 'line') understood(line.text)
  },
}

function understood(text: string): void {
  assert.doesNotMatch(text, /[\0-\x1f\x7f]/, 'no control in a command')
  for (const keyword of ['FROM:', 'TO:'] as const) {
    const argument = splitArgument(text.slice(text.indexOf(' ') + 1), keyword)
    if (argument === undefined) continue
    const mail = mailParameters(argument.parameters, 1000)
    if (!('fault' in mail)) assert.ok(mail.size === undefined || mail.size <= 1000)
    const rcpt = rcptParameters(argument.parameters)
    if (!('fault' in rcpt)) assert.doesNotMatch(rcpt.orcpt ?? '', / /, 'nothing that would end the parameter')
  }
}

type Read = { readonly kind: 'line' | 'bad'; readonly text: string }

/** All lines, without the places where they end in their chunks. */
function lines(chunks: readonly Buffer[]): readonly Read[] {
  const reader = new LineReader(2048)
  const found: Read[] = []
  for (const chunk of chunks) {
    let from = 0
    for (let line = reader.read(chunk, from); line.kind !== 'more'; line = reader.read(chunk, from)) {
      found.push({ kind: line.kind, text: line.kind === 'line' ? line.text : line.why })
      from = line.next
    }
  }
  return found
}
