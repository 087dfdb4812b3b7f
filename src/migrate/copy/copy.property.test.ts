/**
 * Random mailboxes, faults and kills at any step, changes between passes: at the end the target is what the source is, nothing
 * twice, nothing lost. The comparison knows nothing of the engine.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Db } from '../../store/store.ts'
import { letter, MemoryServer, type Step, type StoredFolder } from '../in-memory/in-memory.ts'
import { MailboxTrouble, type TroubleKind } from '../mailbox/mailbox.ts'
import { type CopyOptions, copyPass } from './copy.ts'
import { contents, jobFor, killable, openTestDb } from './for-tests.ts'

const flags = fc.subarray(['\\Seen', '\\Flagged', '\\Answered', '$Label1', 'Projekt'])
// Few bodies, so that true duplicates and near ones are common; some without a Message-ID, some without any header.
const message = fc.record({
  text: fc.integer({ min: 0, max: 3 }),
  hasId: fc.boolean(),
  isBare: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  day: fc.integer({ min: 1, max: 2 }),
  flags,
})
type Message = typeof message extends fc.Arbitrary<infer T> ? T : never

const folderNames = ['INBOX', 'Sent', 'Arbeit', 'a/b', 'Work']
const mailboxes = fc.array(
  fc.record({ folder: fc.constantFrom(...folderNames), messages: fc.array(message, { maxLength: 12 }) }),
  {
    minLength: 1,
    maxLength: 4,
  },
)

const change = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), folder: fc.constantFrom(...folderNames), message }),
  fc.record({ kind: fc.constant('flags' as const), folder: fc.constantFrom(...folderNames), at: fc.nat(20), flags }),
  fc.record({ kind: fc.constant('remove' as const), folder: fc.constantFrom(...folderNames), at: fc.nat(20) }),
  fc.record({ kind: fc.constant('renumber' as const), folder: fc.constantFrom(...folderNames) }),
)
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

const kinds: readonly TroubleKind[] = ['unreachable', 'throttled', 'busy', 'stalled']
const fault = fc.record({
  side: fc.constantFrom('source' as const, 'target' as const),
  // In how many steps of that side.
  after: fc.nat(60),
  moment: fc.constantFrom('before' as const, 'after' as const),
  kind: fc.constantFrom(...kinds, 'kill' as const),
})
type Fault = typeof fault extends fc.Arbitrary<infer T> ? T : never

const round = fc.record({
  changes: fc.array(change, { maxLength: 6 }),
  faults: fc.array(fault, { maxLength: 3 }),
  // Every how many commands one has to wait, on each side.
  rhythm: fc.record({ source: fc.integer({ min: 1, max: 7 }), target: fc.integer({ min: 1, max: 7 }) }),
})

function contentOf(m: Message): Buffer {
  if (m.isBare) return Buffer.from(`only text ${m.text}\r\n`)
  return letter({ subject: `s${m.text % 2}`, body: `body ${m.text}\r\n`, ...(m.hasId ? { id: `id${m.text}` } : {}) })
}

function put(server: MemoryServer, folder: StoredFolder, m: Message): void {
  server.put(folder, contentOf(m), { flags: m.flags, internalDate: `0${m.day}-Jul-2026 02:44:25 -0700` })
}

function folderOf(server: MemoryServer, name: string): StoredFolder {
  const there = [...server.folders.values()].find((folder) => folder.path.join('\0') === name)
  return there ?? server.make([name], { isSubscribed: name === 'Sent' })
}

function apply(server: MemoryServer, c: Change): void {
  const folder = folderOf(server, c.folder)
  if (c.kind === 'add') return put(server, folder, c.message)
  if (c.kind === 'renumber') {
    // As when a folder was restored: other UIDs, another UIDVALIDITY, the same messages.
    folder.uidValidity += 500
    for (const [i, m] of folder.messages.entries()) m.uid = i * 2 + 1
    folder.uidNext = folder.messages.length * 2 + 1
    folder.modSeq += 1
    for (const m of folder.messages) m.modSeq = folder.modSeq
    return
  }
  const m = folder.messages[c.at % Math.max(1, folder.messages.length)]
  if (m === undefined) return
  if (c.kind === 'flags') server.setFlags(folder, m, c.flags)
  else server.remove(folder, new Set([m.uid]))
}

/** Faults wait for their step; a kill leaves everything hanging, as a process that is no more. */
class Plan {
  faults: readonly Fault[] = []
  #rhythm = { source: 3, target: 3 }
  readonly #steps = { source: 0, target: 0 }
  #isDead = false
  #die: () => void = () => {}
  dead = new Promise<void>(() => {})

  begin(faults: readonly Fault[], rhythm = { source: 3, target: 3 }): void {
    this.faults = faults
    this.#rhythm = rhythm
    this.#steps.source = 0
    this.#steps.target = 0
    this.#isDead = false
    this.dead = new Promise((resolve) => {
      this.#die = resolve
    })
  }

  on(side: 'source' | 'target'): (step: Step) => Promise<void> {
    return async (step) => {
      const { dead } = this
      // Answers take their time, in an order of their own.
      if (this.#steps[side] % this.#rhythm[side] === 0) await new Promise((resolve) => setImmediate(resolve))
      if (dead !== this.dead || this.#isDead) return await new Promise(() => {})
      if (step.moment === 'before') this.#steps[side] += 1
      const hit = this.faults.find((f) => f.side === side && f.after === this.#steps[side] && f.moment === step.moment)
      if (hit === undefined) return
      this.faults = this.faults.filter((f) => f !== hit)
      if (hit.kind !== 'kill') throw new MailboxTrouble(hit.kind, 'made up')
      this.#isDead = true
      this.#die()
      return await new Promise(() => {})
    }
  }

  get isKilled(): boolean {
    return this.#isDead
  }
}

async function run(
  db: Db,
  plan: Plan,
  source: MemoryServer,
  target: MemoryServer,
  options: Partial<CopyOptions>,
): Promise<void> {
  const mortal = killable(db)
  const job = jobFor(mortal.db, source, target, {
    options,
    tuning: { maxInFlight: 5, messagesPerLane: 2, maxTroubles: 20, settleMs: 5 },
  })
  const outcome = await Promise.race([copyPass(job), plan.dead])
  if (plan.isKilled) mortal.kill()
  else assert.equal(outcome?.kind, 'done', JSON.stringify(outcome))
}

for (const hasUidPlus of [true, false]) {
  for (const connections of [1, 2]) {
    test(`whatever happens, all of it once (UIDPLUS: ${hasUidPlus}, connections: ${connections})`, async (t) => {
      const db = openTestDb(t)
      const property = fc.asyncProperty(mailboxes, fc.array(round, { maxLength: 4 }), async (folders, rounds) => {
        db.run('DELETE FROM copy_message')
        db.run('DELETE FROM copy_folder')
        db.run('DELETE FROM copy_skipped')
        const plan = new Plan()
        const source = new MemoryServer({ fault: plan.on('source') })
        const target = new MemoryServer({ fault: plan.on('target'), traits: { hasUidPlus } })
        for (const { folder, messages } of folders) for (const m of messages) put(source, folderOf(source, folder), m)
        const options = { followDeletions: true, removeAtMost: 1000, connections }
        for (const { changes, faults, rhythm } of rounds) {
          plan.begin(faults, rhythm)
          await run(db, plan, source, target, options)
          plan.begin([])
          for (const c of changes) {
            // What else happens between two passes in a folder that gets new UIDs cannot be known: nothing says which message was which.
            if (c.kind === 'renumber') await run(db, plan, source, target, options)
            apply(source, c)
            if (c.kind === 'renumber') await run(db, plan, source, target, options)
          }
        }
        for (let i = 0; i < 2; i += 1) {
          plan.begin([])
          await run(db, plan, source, target, options)
        }
        assert.deepEqual(contents(target), contents(source))
      })
      await fc.assert(property, {
        numRuns: Number(process.env.RUNS ?? 25),
        endOnFailure: true,
      })
    })
  }
}
