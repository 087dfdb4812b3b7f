import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Audit, type AuditEntry, type Db, makeAudit, openStore } from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-audit-'))
after(() => rmSync(root, { recursive: true }))

const entry: AuditEntry = {
  by: 'api.token (ann)',
  from: '127.0.0.1',
  what: 'queue.drop',
  object: '{"domain":"shared.example"}',
  before: '',
  after: '3 recipients',
}

let folders = 0
function open(records = 0): { readonly db: Db; readonly audit: Audit } & Disposable {
  folders += 1
  const opened = openStore(join(root, String(folders)))
  assert.ok(opened.ok)
  let time = 1000
  const audit = makeAudit(opened.db, () => (time += 10))
  for (let i = 1; i <= records; i += 1) audit.add({ ...entry, after: `${i} recipients` })
  return { db: opened.db, audit, [Symbol.dispose]: () => opened.db.close() }
}

/** What only somebody does who wants to: the guards are taken away first. */
function tamper(db: Db, sql: string): void {
  db.run('DROP TRIGGER audit_is_not_edited')
  db.run('DROP TRIGGER audit_is_not_erased')
  assert.equal(db.run(sql), 1)
}

test('records come back as they were written, the newest first', async () => {
  using it = open(3)
  const all = it.audit.find({ limit: 10 })
  assert.deepEqual(
    all.map((r) => [r.id, r.at, r.after]),
    [
      [3, 1030, '3 recipients'],
      [2, 1020, '2 recipients'],
      [1, 1010, '1 recipients'],
    ],
  )
  const { id, at, hash, ...rest } = all[2] ?? it.audit.add(entry)
  assert.deepEqual(rest, { ...entry, after: '1 recipients' })
  assert.match(hash, /^[0-9a-f]{64}$/)
  assert.deepEqual([id, at], [1, 1010])
  assert.deepEqual(
    it.audit.find({ since: 1020, before: 3, limit: 10 }).map((r) => r.id),
    [2],
  )
  assert.deepEqual(await it.audit.verify(), { ok: true, count: 3, head: all[0]?.hash })
})

test('an audit without records is whole', async () => {
  using it = open()
  assert.deepEqual(await it.audit.verify(), { ok: true, count: 0, head: '' })
})

test('a record is neither edited nor erased by mistake', () => {
  using it = open(1)
  assert.throws(() => it.db.run("UPDATE audit SET who = 'nobody'"), /only added to/)
  assert.throws(() => it.db.run('DELETE FROM audit'), /only added to/)
})

const columns = { at: '5', who: "'eve'", address: "'192.0.2.9'", what: "'x'", object: "''", before: "'x'", after: "''" }
for (const [column, value] of Object.entries(columns)) {
  test(`whoever edits ${column} is found out`, async () => {
    using it = open(3)
    tamper(it.db, `UPDATE audit SET ${column} = ${value} WHERE id = 2`)
    const verdict = await it.audit.verify()
    assert.ok(!verdict.ok)
    assert.deepEqual([verdict.id, verdict.why], [2, 'record 2 is not as it was written, or the one before it is not'])
  })
}

test('whoever erases a record is found out, be it the first, one between, or the last', async () => {
  for (const [id, why] of [
    [1, 'record 1 is missing'],
    [2, 'record 2 is missing'],
    [3, 'record 3 is missing'],
  ] as const) {
    using it = open(3)
    tamper(it.db, `DELETE FROM audit WHERE id = ${id}`)
    const verdict = await it.audit.verify()
    assert.ok(!verdict.ok)
    assert.equal(verdict.why, why)
    it.audit.add(entry)
    assert.equal((await it.audit.verify()).ok, false, 'and is still found out after the next record')
  }
})

test('a hash made anew for one record gives away the next one', async () => {
  using it = open(3)
  using other = open(1)
  const forged = other.audit.add({ ...entry, after: 'forged' })
  tamper(it.db, `UPDATE audit SET after = 'forged', hash = '${forged.hash}' WHERE id = 2`)
  assert.equal((await it.audit.verify()).ok, false)
})

test('more than one page is verified', async () => {
  using it = open(2500)
  assert.equal((await it.audit.verify()).ok, true)
  tamper(it.db, "UPDATE audit SET what = 'x' WHERE id = 2400")
  const verdict = await it.audit.verify()
  assert.ok(!verdict.ok)
  assert.equal(verdict.id, 2400)
})

test('any text is taken, long ones are cut, and the chain holds', async () => {
  using it = open()
  for (const text of ['', '\ud800', 'a\0b', '"],[', 'x'.repeat(100_000), `${'y'.repeat(16_383)}\u{1f600}`])
    it.audit.add({ ...entry, object: text, before: text, after: text })
  assert.deepEqual(await it.audit.verify(), {
    ok: true,
    count: 6,
    head: it.audit.find({ limit: 1 })[0]?.hash,
  })
  assert.match(it.audit.find({ before: 6, limit: 1 })[0]?.after ?? '', /^x{16384}\.\.\. \(100000 characters\)$/)
})
