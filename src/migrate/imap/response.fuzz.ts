import assert from 'node:assert/strict'
import { chunksOf, type FuzzTarget } from '../../../test/support/fuzz/target.ts'
import { isFlag, readFetch } from './fetch-data.ts'
import { decodeFolderName, encodeFolderName } from './folder-name.ts'
import { readResponse } from './response.ts'
import { type Frame, ResponseReader } from './response-reader.ts'
import { Scanner } from './scanner.ts'
import { readState } from './states.ts'

const limits = { maxLineBytes: 4096, maxKeptBytes: 512, maxLiteralBytes: 2048, maxNesting: 8, maxValues: 200 }

export const target: FuzzTarget = {
  name: 'imap-response',
  tokens: [
    '* ',
    'OK ',
    'NO ',
    'FETCH (',
    'UID 1',
    'FLAGS (',
    'BODY[',
    ']<0> ',
    '{3}\r\n',
    '~{1}\r\n',
    '{600}\r\n',
    '"',
    '\\',
    '(',
    ')',
    'NIL',
    '\r\n',
    '[UIDNEXT 5]',
    '* LIST () "/" ',
    '* STATUS x (',
    '&AOQ-',
    '+ ',
    'a1 OK\r\n',
  ],
  maxBytes: 4096,
  run(input) {
    const whole = read([input])
    assert.deepEqual(read(chunksOf(input)), whole, 'the same wherever the network cuts')
    for (const frame of whole.frames) judge(frame)
  },
}

function read(chunks: readonly Buffer[]): { readonly frames: readonly Frame[]; readonly fault?: string | undefined } {
  const reader = new ResponseReader(limits)
  const frames: Frame[] = []
  for (const chunk of chunks) {
    const heard = reader.read(chunk)
    frames.push(...heard.frames)
    if (heard.fault !== undefined) return { frames, fault: heard.fault }
  }
  return { frames }
}

function judge(frame: Frame): void {
  const text = frame.filter((part) => typeof part === 'string').join('')
  assert.ok(!/[\n]/.test(text) && text.length <= limits.maxLineBytes)
  const kept = frame.reduce((sum, part) => sum + (Buffer.isBuffer(part) ? part.length : 0), 0)
  assert.ok(kept <= limits.maxKeptBytes)
  const response = readResponse(frame)
  if (response.kind !== 'data') return
  const told = readFetch(response, limits)
  if (typeof told !== 'string')
    for (const flag of told.flags ?? []) assert.ok(isFlag(flag), 'a flag can be written again')
  readState(response, limits)
  const scanner = new Scanner(frame, response.at, limits)
  while (!scanner.isAtEnd && scanner.fault === undefined) name(scanner)
}

function name(scanner: Scanner): void {
  const wire = scanner.astring()
  if (wire === undefined) return
  const decoded = decodeFolderName(wire)
  assert.doesNotMatch(decoded, /\p{Cc}/u)
  assert.equal(decodeFolderName(encodeFolderName(decoded)), decoded)
}
