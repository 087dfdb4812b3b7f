import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Db } from '../store/store.ts'
import { openQueueDb } from './schema.ts'
import * as sql from './sql.ts'

const dir = mkdtempSync(join(tmpdir(), 'causeway-sql-'))
const opened = openQueueDb(dir)
assert.ok(opened.ok)
const { sealed } = opened
after(() => {
  sealed.close()
  rmSync(dir, { recursive: true })
})

/** Tables that are short whatever happens: as many rows as there are next hops, leases, domains, or one. */
const short = /^SCAN (?:totals|lane|l|lease|loose|release_order|json_each)\b/

/** SQLite's plan, and the plan that would walk through a long table from its beginning. */
function longWalks(db: Db, statement: string): readonly string[] {
  const last = Math.max(0, ...[...statement.matchAll(/\?(\d+)/g)].map(([, n]) => Number(n)))
  const steps = db.all(`EXPLAIN QUERY PLAN ${statement}`, ...Array.from({ length: last }, () => 1))
  return steps.map(({ detail }) => String(detail)).filter((step) => step.startsWith('SCAN') && !short.test(step))
}

const { count, ...others } = sql
const statements = Object.entries(others).flatMap(([group, members]) =>
  Object.entries(members).map(([name, statement]) => [`${group}.${name}`, statement] as const),
)

for (const [name, statement] of statements) {
  test(`${name} goes by an index`, () => {
    // One that stops at its first row is as good.
    const walks = longWalks(sealed.db(), statement).filter(
      (step) => step !== 'SCAN attempt USING INDEX attempt_outstanding',
    )
    assert.deepEqual(walks, [])
  })
}

test('what counts everything is seen to walk', () => {
  assert.ok(longWalks(sealed.db(), count.states).length > 0)
})

test('a piece of work is taken by its message, not by walking through its lane', () => {
  const steps = sealed.db().all(`EXPLAIN QUERY PLAN ${sql.claim.take}`, 1, 1, 1, 1, 1)
  assert.deepEqual(
    steps.map(({ detail }) => detail),
    ['SEARCH recipient USING PRIMARY KEY (message=?)'],
  )
})

test('and so is what widens a lease', () => {
  for (const statement of [sql.join.take, sql.join.lanes]) {
    const steps = sealed
      .db()
      .all(`EXPLAIN QUERY PLAN ${statement}`, 1, 1, 1, 1, ...(statement === sql.join.take ? ['[]'] : []))
    assert.equal(steps[0]?.detail, 'SEARCH recipient USING PRIMARY KEY (message=?)')
  }
})

test('what is held for another reason than its domain is not looked for among what is held for that', () => {
  for (const [statement, ...values] of [
    [sql.look.heldFor, 'tenant', 9],
    [sql.byHand.spanOfTenants, 0],
    [sql.byHand.ofTenants, 0, 9, '[]'],
  ] as const) {
    const steps = sealed.db().all(`EXPLAIN QUERY PLAN ${statement}`, ...values)
    assert.ok(
      steps.some(({ detail }) => /INDEX recipient_held_otherwise \(cause=\?/.test(String(detail))),
      JSON.stringify(steps.map(({ detail }) => detail)),
    )
  }
})
