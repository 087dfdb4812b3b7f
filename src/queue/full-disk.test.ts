import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { bench, message } from './for-tests.ts'
import { watchDisk } from './queue.ts'

const dir = mkdtempSync(join(tmpdir(), 'causeway-full-'))
const isRoot = process.getuid?.() === 0

describe('a disk that is full', { skip: isRoot ? false : 'only root may mount one of 16 MiB' }, () => {
  before(() => run('mount', '-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', dir))
  after(() => {
    run('umount', dir)
    rmdirSync(dir)
  })

  test('answers that it is full, keeps what was promised, and takes mail again when there is room, without a restart', async () => {
    const heard: string[] = []
    await using b = await bench({ under: dir, onTrouble: (why) => heard.push(why) })
    const watch = watchDisk({ dir, reserveBytes: 2 * 1024 * 1024 })
    const content = [Buffer.alloc(100_000, 1)]
    const large = [Buffer.alloc(5_000_000, 2)]
    assert.ok((await b.queue.put(message('first', ['bob@contoso.example'], { content }))).ok)
    assert.ok(!watch.isLow)

    writeFileSync(join(dir, 'filler'), Buffer.alloc(statfsSync(dir).bavail * statfsSync(dir).bsize - 1_000_000))
    const promised = ['first']
    for (let i = 0; i < 30; i += 1) {
      const put = await b.queue.put(message(`m${i}`, ['bob@contoso.example'], { content }))
      if (put.ok) promised.push(`m${i}`)
      else assert.equal(put.isFull, true, put.why)
    }
    const put = await b.queue.put(message('large', ['bob@contoso.example'], { content: large }))
    assert.ok(!put.ok && put.isFull)
    assert.ok(promised.length < 30, 'the disk became full')
    assert.deepEqual(heard, ['a message could not be stored: database or disk is full'])
    await watch.look()
    assert.ok(watch.isLow)

    rmSync(join(dir, 'filler'))
    assert.ok((await b.queue.put(message('last', ['bob@contoso.example'], { content: large }))).ok)
    promised.push('last')
    await watch.look()
    assert.ok(!watch.isLow)
    watch.close()

    const queue = await b.reopen()
    await queue.sweep()
    assert.equal(await queue.check(), undefined)
    const works = await queue.claim({ limit: 100 })
    assert.deepEqual(
      works.map((work) => work.message.id),
      promised,
    )
    assert.ok((await queue.content('last'))?.equals(Buffer.concat(large)))
  })
})

function run(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}
