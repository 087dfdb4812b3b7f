import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { connect } from './client.ts'
import { askAt, jsonText, Stop, table } from './io.ts'

describe('a question', () => {
  const asked = (typed: string, isTerminal: boolean) => {
    const [input, output] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY: isTerminal })]
    const answer = askAt('Sure? ', input, output)
    setImmediate(() => input.end(typed))
    return answer
  }
  const isNo = (error: unknown): boolean =>
    error instanceof Stop && error.code === 1 && error.message === 'nothing was done'

  test('is answered', async () => assert.equal(await asked('yes\n', false), 'yes'))
  test('Ctrl-C is a no', async () => assert.rejects(asked('y\u0003', true), isNo))
  test('Ctrl-D is a no', async () => assert.rejects(asked('\u0004', true), isNo))
  test('the end of the input is a no', async () => assert.rejects(asked('', false), isNo))
})

test('who may not read the token is told so', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-io-'))
  writeFileSync(join(dir, 'api.url'), 'http://127.0.0.1:1\n', { mode: 0 })
  const uid = process.geteuid?.() ?? 1
  if (uid === 0) process.seteuid?.(65_534)
  t.after(() => {
    if (uid === 0) process.seteuid?.(0)
    rmSync(dir, { recursive: true })
  })
  assert.throws(() => connect({ data: dir }), /not permitted; use sudo, or be the owner of/)
})

test('JSON means the same to a program, and nothing to a terminal', () => {
  const subject = 'a\u0085b\u009b2Jc\u202egnp.exe\u2028\u{e0041}\u001b[31m\u007f é👨\u200d👩'
  const text = jsonText({ subject })
  assert.doesNotMatch(text, /[\p{Cf}\p{Zl}\p{Zp}]|[^\P{Cc}\n]/u)
  assert.deepEqual(JSON.parse(text), { subject })
  assert.ok(text.includes('é👨'))
  assert.equal(jsonText([1, { a: 2 }], 0), '[1,{"a":2}]\n')
})

test('a table of any length has columns as wide as their widest cell', () => {
  const rows = Array.from({ length: 200_000 }, (_, i) => [String(i), 'x'])
  assert.ok(table([['N', 'X'], ...rows]).startsWith('N       X\n0       x\n'))
})

describe('where the answer goes', () => {
  /** A command that writes more than a pipe holds, and then does what it was asked for. */
  const script = `import { processIo } from ${JSON.stringify(import.meta.resolve('./io.ts'))}
    processIo().out('x'.repeat(1e6))
    setTimeout(() => process.stderr.write('done'), 300)`
  const started = (stdout: 'pipe' | number) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', stdout, 'pipe'] })
    const said: string[] = []
    child.stderr?.on('data', (bytes) => said.push(String(bytes)))
    return { child, ended: once(child, 'close').then(([code]) => ({ code, said: said.join('') })) }
  }

  test('whoever reads no further does not stop what is done', async () => {
    const { child, ended } = started('pipe')
    child.stdout?.once('data', () => child.stdout?.destroy())
    assert.deepEqual(await ended, { code: 0, said: 'done' })
  })

  test('a disk that is full is said in a sentence', { skip: process.platform !== 'linux' }, async () => {
    const full = openSync('/dev/full', 'w')
    const { code, said } = await started(full).ended
    closeSync(full)
    assert.equal(code, 3)
    assert.match(said, /^causeway: the answer cannot be written: ENOSPC.*\ndone$/)
  })
})
