import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { packed } from './bring.ts'
import { message } from './for-tests.ts'
import { NotDone, Thread } from './thread.ts'

test('a thread that stops is started again; what it had in hand is answered, and leases of this process go on', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-thread-'))
  const troubles: string[] = []
  const onTrouble = (why: string) => troubles.push(why)
  const thread = new Thread({ dir, leaseMs: 1000, now: () => 1, onFigures: () => {}, onTrouble })
  assert.equal(await thread.open(), undefined)
  await thread.ask<'put'>({ do: 'put', message: packed(message('m', ['bob@contoso.example'])) })
  const [work] = await thread.ask<'claim'>({ do: 'claim', query: { limit: 1 } })
  assert.ok(work !== undefined)

  // Nothing that the types allow stops it.
  const inHand = [thread.ask<'totals'>(undefined as never), thread.ask<'totals'>({ do: 'totals' })]
  for (const one of inHand) await assert.rejects(one, NotDone)
  assert.match(troubles[0] ?? '', /the thread of the queue stopped/)
  await assert.rejects(thread.ask<'totals'>({ do: 'totals' }), /being started again/)

  const isBack = () =>
    thread.ask<'totals'>({ do: 'totals' }).then(
      () => true,
      () => false,
    )
  while (!(await isBack())) await sleep(50)
  const finished = { token: work.lease.token, results: [], reports: [], warned: [] }
  assert.equal(await thread.ask<'finish'>({ do: 'finish', ...finished }), true)
  await thread.close()
  rmSync(dir, { recursive: true })
})
