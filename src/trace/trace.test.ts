import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { openTrace, openTraceReader, type Trace, type TraceEvent, type TraceOptions, type TraceQuery } from './trace.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-trace-'))
after(() => rmSync(root, { recursive: true }))

const start = Date.parse('2026-11-23T10:00:00Z')

/** John writes to Mary and to the outside; both ends of the envelope are rewritten. */
function story(id: string, at = start): readonly TraceEvent[] {
  const common = { id, peer: 'contoso' }
  return [
    {
      ...common,
      at,
      kind: 'RECEIVE',
      messageId: `<${id}@contoso.example>`,
      sender: 'John@contoso.example',
      recipients: ['Mary@shared.example', 'out@world.example'],
      subject: 'Hello',
    },
    {
      ...common,
      at,
      kind: 'REWRITE',
      field: 'MAIL FROM',
      old: 'John@contoso.example',
      new: 'john@shared.example',
      entry: 'john',
    },
    { ...common, at, kind: 'REWRITE', field: 'RCPT TO', old: 'Mary@shared.example', new: 'mary@fabrikam.example' },
    {
      ...common,
      at: at + 5,
      kind: 'SEND',
      sender: 'john@shared.example',
      recipients: ['mary@fabrikam.example'],
      direction: 'inside',
    },
  ]
}

async function traced(o: TraceOptions, work: (trace: Trace) => Promise<void>): Promise<void> {
  const trace = openTrace(o)
  try {
    await work(trace)
  } finally {
    await trace.close()
  }
}

describe('the trace', () => {
  test('gives back whole stories by anything that is known of them', () =>
    traced({ file: join(root, 'find.db') }, async (trace) => {
      const bounce: TraceEvent = {
        at: start + 60_000,
        id: 'm3',
        kind: 'RECEIVE',
        sender: '',
        recipients: ['ann@x.example'],
        peer: 'internet',
      }
      trace.write(story('m1'))
      trace.write(story('m2', start + 30_000))
      trace.write([bounce])
      assert.deepEqual(await trace.find({ id: 'm1' }), story('m1'))
      const found = async (query: TraceQuery): Promise<string> => {
        const events = await trace.find(query)
        return [...new Set(events.map((event) => event.id))].join()
      }
      assert.equal(await found({ messageId: '<m2@contoso.example>' }), 'm2')
      assert.equal(await found({ messageId: 'm2@contoso.example' }), 'm2')
      assert.equal(await found({ sender: 'JOHN@Contoso.example' }), 'm1,m2')
      assert.equal(await found({ sender: 'john@shared.example' }), 'm1,m2')
      assert.equal(await found({ sender: '<>' }), 'm3')
      assert.equal(await found({ recipient: 'mary@SHARED.example' }), 'm1,m2')
      assert.equal(await found({ recipient: 'mary@fabrikam.example', since: start + 10_000 }), 'm2')
      assert.equal(await found({ recipient: 'john@shared.example' }), '')
      assert.equal(await found({ sender: 'john@contoso.example', recipient: 'ann@x.example' }), '')
      assert.equal(await found({ until: start }), 'm1')
      assert.equal(await found({ limit: 2 }), 'm2,m3')
      assert.equal(await found({ id: "' OR 1=1 --" }), '')
      assert.deepEqual(trace.stats(), { stored: 9, dropped: 0, waiting: 0 })
    }))

  test('puts a story together from several batches, and keeps it over a restart', async () => {
    const file = join(root, 'again.db')
    const events = story('m1')
    await traced({ file }, async (trace) => {
      for (const event of events) {
        trace.write([event])
        await trace.flush()
      }
    })
    await traced({ file }, async (trace) => {
      assert.deepEqual(await trace.find({ messageId: '<m1@contoso.example>' }), events)
    })
  })

  test('gives back every character as it was, in order of time across messages', () =>
    traced({ file: join(root, 'odd.db') }, async (trace) => {
      const odd = '\ud800 \u0000 " \\ \u2028 \u202e ü 😀 </a>'
      const later = { at: start + 0.5, id: 'm2', kind: 'RECEIVE', why: odd, subject: '1e400' } as const
      const first = story('m1').map((event) => ({ ...event, why: odd }))
      trace.write([...first, later, { ...later, at: start + 9 }])
      const last = first.slice(-1)
      assert.deepEqual(await trace.find({}), [...first.slice(0, -1), later, ...last, { ...later, at: start + 9 }])
    }))

  test('keeps what an earlier version wrote, one row for each event', async () => {
    const file = join(root, 'earlier.db')
    const [first, ...others] = story('m1')
    await traced({ file }, async (trace) => trace.write([...others]))
    const database = new DatabaseSync(file)
    const { n = null, message = null, events } = database.prepare('SELECT * FROM story').get() ?? {}
    database.exec(`DROP TABLE story; PRAGMA user_version = 1;
      CREATE TABLE event (n INTEGER PRIMARY KEY, message INTEGER NOT NULL, at INTEGER NOT NULL, detail TEXT NOT NULL) STRICT;
      CREATE INDEX event_by_message ON event (message)`)
    const insert = database.prepare('INSERT INTO event (message, at, detail) VALUES (?, ?, ?)')
    for (const event of JSON.parse(String(events))) insert.run(message, event.at, JSON.stringify(event))
    database.close()
    assert.equal(n, 1)
    await traced({ file }, async (trace) => {
      assert(first !== undefined)
      trace.write([{ ...first, at: start + 10 }])
      assert.deepEqual(await trace.find({ id: 'm1' }), [...others, { ...first, at: start + 10 }])
    })
  })

  test('is read by a second process while it is written', () =>
    traced({ file: join(root, 'reader.db') }, async (trace) => {
      trace.write(story('m1'))
      await trace.flush()
      const opened = openTraceReader(join(root, 'reader.db'))
      assert.ok(opened.ok)
      assert.equal(opened.reader.find({ id: 'm1' }).length, 4)
      trace.write(story('m2'))
      await trace.flush()
      assert.equal(opened.reader.find({}).length, 8)
      opened.reader.close()
      assert.equal(openTraceReader(join(root, 'absent.db')).ok, false)
    }))

  test('is written without anybody asking', () =>
    traced({ file: join(root, 'timer.db') }, async (trace) => {
      trace.write(story('m1'))
      assert.equal(trace.stats().waiting, 4)
      const deadline = Date.now() + 5000
      while (trace.stats().stored === 0 && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 10))
      assert.equal(trace.stats().stored, 4)
    }))

  test('clips what is too long to read', () =>
    traced({ file: join(root, 'clip.db') }, async (trace) => {
      trace.write([{ at: start, id: 'm1', kind: 'REWRITE', old: 'x'.repeat(100_000) }])
      const [event] = await trace.find({ id: 'm1' })
      assert.equal(event?.old?.length, 4001)
    }))

  test('forgets what is older than it shall keep', async () => {
    const file = join(root, 'old.db')
    const day = 24 * 60 * 60 * 1000
    await traced({ file, retentionDays: 1000 }, async (trace) => {
      for (let n = 0; n < 450; n += 1) trace.write(story(`old${n}`, Date.now() - 31 * day))
      trace.write(story('new', Date.now() - 29 * day))
      await trace.flush()
    })
    await traced({ file, retentionDays: 30 }, async (trace) => {
      const deadline = Date.now() + 5000
      let left = await trace.find({ limit: 1000 })
      while (left.length > 4 && Date.now() < deadline) left = await trace.find({ limit: 1000 })
      assert.deepEqual([...new Set(left.map((event) => event.id))], ['new'])
    })
    const database = new DatabaseSync(file)
    assert.equal(database.prepare('SELECT count(*) AS n FROM party').get()?.n, 5)
    assert.equal(database.prepare('SELECT count(*) AS n FROM story').get()?.n, 1)
    database.close()
  })
})

describe('when the disk does not do its part', () => {
  test('events wait, the trouble is told once, and they are stored when it is over', async () => {
    const file = join(root, 'locked.db')
    const troubles: string[] = []
    mkdirSync(file)
    await traced({ file, onTrouble: (why) => troubles.push(why) }, async (trace) => {
      trace.write(story('m1'))
      await assert.rejects(trace.find({ id: 'm1' }), /cannot open/)
      assert.equal(trace.stats().waiting, 4)
      rmSync(file, { recursive: true })
      await trace.flush()
      assert.equal((await trace.find({ id: 'm1' })).length, 4)
    })
    assert.equal(troubles.length, 1)
    assert.match(troubles[0] ?? '', /cannot be stored now: cannot open/)
  })

  test('memory is bounded: the oldest are dropped, counted and told', async () => {
    const file = join(root, 'full')
    mkdirSync(file)
    const troubles: string[] = []
    await traced({ file, maxEvents: 2000, onTrouble: (why) => troubles.push(why) }, async (trace) => {
      for (let n = 0; n < 2500; n += 1) trace.write(story(`m${n}`))
      const { dropped, waiting } = trace.stats()
      assert.equal(dropped + waiting, 10_000)
      assert.ok(waiting <= 3000, `${waiting}`)
      rmSync(file, { recursive: true })
      await trace.flush()
      assert.deepEqual(trace.stats(), { stored: waiting, dropped, waiting: 0 })
      assert.equal((await trace.find({ id: 'm2499' })).length, 4)
    })
    assert.match(troubles.join('\n'), /trace events dropped so far/)
  })

  test('an event that no table takes does not hold up the others', () =>
    traced({ file: join(root, 'poison.db') }, async (trace) => {
      const odd: TraceEvent = JSON.parse('{ "at": 1, "id": null, "kind": "RECEIVE" }')
      trace.write([...story('m1'), odd, ...story('m2')])
      await trace.flush()
      assert.deepEqual(trace.stats(), { stored: 8, dropped: 1, waiting: 0 })
    }))

  test('what comes after the end is counted as dropped', async () => {
    const trace = openTrace({ file: join(root, 'closed.db') })
    await trace.close()
    trace.write(story('m1'))
    assert.equal(trace.stats().dropped, 4)
    await assert.rejects(trace.find({}), /closed/)
    await trace.close()
  })
})
