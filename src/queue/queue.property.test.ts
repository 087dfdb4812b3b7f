import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bench, bench, message, recipient } from './for-tests.ts'
import { hold, Model, type ModelRecipient } from './model-for-tests.ts'
import { backOffMs, type Filter, longestBackOffMs, type NewRecipient, type Result } from './queue.ts'

// Counting is what is tried here, not the disk.
const under = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const leaseMs = 60 * 60 * 1000
const lanes = ['tenant:contoso', 'tenant:fabrikam', 'mx:other.example']
const addresses = ['bob@contoso.example', 'carol@contoso.example', 'Dave@other.example']
const senders = ['ann@fabrikam.example', '']

type Step =
  | {
      readonly do: 'put'
      readonly sender: string
      readonly peer: string
      readonly to: readonly NewRecipient[]
      readonly large: boolean
    }
  | {
      readonly do: 'claim'
      readonly limit: number
      readonly lane?: string
      readonly except: readonly string[]
      readonly force: boolean
    }
  | {
      readonly do: 'join'
      readonly lease: number
      readonly lanes: readonly string[]
      readonly isOlder: boolean
      readonly late: boolean
    }
  | {
      readonly do: 'finish'
      readonly lease: number
      readonly kinds: readonly number[]
      readonly late: boolean
      readonly report: boolean
    }
  | { readonly do: 'byHand'; readonly action: Action; readonly filter: Filter }
  | { readonly do: 'resume'; readonly tenants: readonly string[] }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'crash'; readonly jump: number }

type Action = 'hold' | 'release' | 'retry' | 'drop' | 'wishReturn'

const newRecipient: fc.Arbitrary<NewRecipient> = fc
  .record({
    address: fc.constantFrom(...addresses),
    lane: fc.constantFrom(...lanes),
    state: fc.constantFrom('waiting' as const, 'held' as const, 'held' as const, 'running' as const),
    cause: fc.constantFrom('domain' as const, 'tenant' as const),
  })
  .map(({ address, lane, state, cause }) => recipient(address, { lane, state, ...(state === 'held' && { cause }) }))

const filter: fc.Arbitrary<Filter> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.record({ lane: fc.constantFrom(...lanes) }) },
  { weight: 1, arbitrary: fc.record({ ids: fc.array(fc.nat({ max: 20 }).map(String), { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ recipient: fc.constantFrom(...addresses).map((a) => a.toUpperCase()) }) },
)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      sender: fc.constantFrom(...senders),
      peer: fc.constantFrom('fabrikam', 'internet'),
      to: fc.array(newRecipient, { minLength: 1, maxLength: 4 }),
      large: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record(
      {
        do: fc.constant('claim' as const),
        limit: fc.integer({ min: 1, max: 5 }),
        lane: fc.constantFrom(...lanes),
        except: fc.subarray(lanes, { maxLength: 1 }),
        force: fc.boolean(),
      },
      { requiredKeys: ['do', 'limit', 'except', 'force'] },
    ),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('join' as const),
      lease: fc.nat(),
      lanes: fc.subarray(lanes),
      isOlder: fc.boolean(),
      late: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('finish' as const),
      lease: fc.nat(),
      kinds: fc.array(fc.nat({ max: 6 }), { minLength: 4, maxLength: 4 }),
      late: fc.boolean(),
      report: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('byHand' as const),
      action: fc.constantFrom(
        'hold' as const,
        'release' as const,
        'release' as const,
        'retry' as const,
        'drop' as const,
        'wishReturn' as const,
      ),
      filter,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('resume' as const), tenants: fc.subarray(['fabrikam', 'internet']) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 60_000, 2 * leaseMs) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('crash' as const), jump: fc.constantFrom(0, -48 * leaseMs, 240 * leaseMs) }),
  },
)

let b: Bench
let puts = 0

async function take(model: Model, s: Step, used: string[]): Promise<void> {
  const { queue, clock } = b
  const at = clock.now
  switch (s.do) {
    case 'put': {
      puts += 1
      const content = s.large ? [Buffer.alloc(400_000, puts)] : [Buffer.from(`This is ${puts}\r\n`)]
      const m = message(`m${puts}`, s.to, { sender: s.sender, peer: s.peer, content })
      const put = await queue.put(m)
      assert.ok(put.ok)
      assert.equal(
        put.lease !== undefined,
        s.to.some((r) => r.state === 'running'),
      )
      if (put.lease !== undefined) used.push(put.lease.token)
      return model.put(m, { at, leaseMs, token: put.lease?.token })
    }
    case 'claim':
      return claim(model, s, used)
    case 'join':
      return join(model, s, used)
    case 'finish':
      return finish(model, s, used)
    case 'byHand':
      return byHand(model, s)
    case 'resume': {
      const isTheirs = (r: ModelRecipient) => r.peer === 'causeway' || s.tenants.includes(r.peer)
      const back = model.recipients.filter((r) => r.state === 'held' && r.cause === 'tenant' && isTheirs(r))
      assert.equal(await queue.resume(s.tenants), back.length)
      for (const r of back) Object.assign(r, { state: 'waiting', nextAt: at, since: at })
      return
    }
    case 'pass':
      clock.now += s.ms
      return
    case 'sweep':
      await queue.sweep()
      return model.expire(at, at)
    case 'crash': {
      clock.now += s.jump
      await b.reopen()
      model.expire(Number.POSITIVE_INFINITY, clock.now)
      for (const r of model.recipients)
        if (r.state === 'waiting' && r.nextAt > clock.now + longestBackOffMs) r.nextAt = clock.now
      for (const r of model.recipients)
        if (!r.wish && model.isClaimable(r, { at, force: true })) r.since = Math.min(r.since, clock.now)
    }
  }
}

async function claim(model: Model, s: Extract<Step, { readonly do: 'claim' }>, used: string[]): Promise<void> {
  const at = b.clock.now
  const { limit, lane, except, force } = s
  const works = await b.queue.claim({ limit, exceptLanes: except, force, ...(lane !== undefined && { lane }) })
  for (const work of works) {
    assert.ok(!used.includes(work.lease.token), 'no lease is given twice')
    used.push(work.lease.token)
    assert.deepEqual(await b.queue.content(work.message.id), model.content.get(work.message.id))
  }
  const ordinary = works.filter((work) => work.wish === undefined)
  assert.ok(
    works.slice(0, works.length - ordinary.length).every((work) => work.wish === 'return'),
    'wishes come first',
  )
  assert.ok(ordinary.every((work) => !except.includes(work.lane) && (lane === undefined || work.lane === lane)))
  const firstDue = ordinary.map((work) => Math.min(...work.recipients.map((r) => r.nextAt)))
  assert.deepEqual(
    firstDue,
    firstDue.toSorted((one, other) => one - other),
    'what was due first comes first',
  )
  const mayClaim = (r: ModelRecipient) =>
    model.isClaimable(r, { at, force }) &&
    (lane === undefined || r.lane === lane) &&
    (lane === undefined && r.wish ? true : !r.wish && !except.includes(r.lane))
  model.claimed(works, { at, leaseMs, force })
  if (works.length < limit) assert.deepEqual(model.recipients.filter(mayClaim), [], 'nothing was overlooked')
}

async function join(model: Model, s: Extract<Step, { readonly do: 'join' }>, used: readonly string[]): Promise<void> {
  const tokens = s.late ? used : [...model.leases.keys()]
  const token = tokens[s.lease % tokens.length]
  if (token === undefined) return
  const before = b.clock.now + (s.isOlder ? 0 : 1)
  const seen = await b.queue.lateLanes({ token }, { receivedBefore: before })
  const taken = await b.queue.join({ token }, { lanes: s.lanes, receivedBefore: before })
  assert.ok(
    taken.every((r) => seen.includes(r.lane)),
    'whatever lane something comes from was told before',
  )
  const ns = taken.map((r) => r.n)
  model.joined(token, ns, s.lanes, before)
}

async function finish(
  model: Model,
  s: Extract<Step, { readonly do: 'finish' }>,
  used: readonly string[],
): Promise<void> {
  const at = b.clock.now
  // Now and then a lease that ended long ago.
  const tokens = s.late ? used : [...model.leases.keys()]
  const token = tokens[s.lease % tokens.length]
  if (token === undefined) return
  const covered = [...(model.leases.get(token)?.ns ?? [0])]
  const results = covered.slice(0, 1 + (s.lease % 4)).map((n, i) => result(n, s.kinds[i] ?? 0, at))
  puts += 1
  const report = message(`m${puts}`, [recipient('ann@fabrikam.example')], { sender: '', peer: 'causeway' })
  const { id } = model.leases.get(token) ?? {}
  const isDone = await b.queue.finish({ token }, results, s.report ? { reports: [report], warned: covered } : {})
  assert.equal(isDone, model.finish(token, results, at))
  if (isDone && s.report) model.put(report, { at, leaseMs, token: undefined })
  const kept = id === undefined ? undefined : await b.queue.show(id)
  for (const r of model.recipients.filter((one) => Number.isNaN(one.nextAt))) {
    const real = kept?.recipients.find(({ n }) => n === r.n)
    const wait = (real?.nextAt ?? 0) - at
    const attempts = real?.attempts ?? 0
    assert.ok(
      wait >= backOffMs(attempts, () => 0) && wait <= backOffMs(attempts, () => 1),
      `waits ${wait} after ${attempts}`,
    )
    r.nextAt = at + wait
  }
}

function result(n: number, kind: number, at: number): Result {
  const said = { n, reply: '451 4.3.2 not now', why: 'the next hop said so' }
  const lane = lanes[n % lanes.length] ?? ''
  const results: readonly Result[] = [
    { ...said, kind: 'delivered' },
    { ...said, kind: 'returned' },
    { ...said, kind: 'held', cause: 'refused' },
    { ...said, kind: 'waiting', lane, trouble: 'temporary' },
    { ...said, kind: 'waiting', lane, trouble: 'throttled', nextAt: at + 100 },
    { ...said, kind: 'unchanged' },
    { ...said, kind: 'held', cause: 'tenant' },
  ]
  return results[kind] ?? { ...said, kind: 'unchanged' }
}

async function byHand(
  model: Model,
  { action, filter: given }: Extract<Step, { readonly do: 'byHand' }>,
): Promise<void> {
  const at = b.clock.now
  // Of the ids in the queue those at these places; of a filter without ids all.
  const present = [...new Set(model.recipients.map((r) => r.id))]
  const f = { ...given, ...(given.ids && { ids: given.ids.flatMap((place) => present[Number(place)] ?? []) }) }
  const fits = (r: ModelRecipient) =>
    (f.ids === undefined || f.ids.includes(r.id)) &&
    (f.lane === undefined || r.lane === f.lane) &&
    (f.recipient === undefined || r.address.toLowerCase() === f.recipient.toLowerCase())
  const applies = (r: ModelRecipient): boolean => {
    if (action === 'hold' || action === 'retry') return r.state === 'waiting'
    if (action === 'release') return r.state === 'held'
    return r.state !== 'running' && (action === 'drop' || (!r.wish && r.peer !== 'internet' && r.peer !== 'causeway'))
  }
  const touched = model.recipients.filter((r) => fits(r) && applies(r))
  assert.equal(await b.queue[action](f, 'ann'), touched.length)
  for (const r of touched) {
    if (action === 'drop') model.end(r, 'dropped')
    else if (action === 'hold') hold(r, 'operator', at)
    else Object.assign(r, { state: 'waiting', nextAt: at, ...changed(action, at) })
  }
}

function changed(action: Exclude<Action, 'hold' | 'drop'>, at: number): Partial<ModelRecipient> {
  if (action === 'release') return { isReleased: true, since: at }
  return action === 'wishReturn' ? { wish: true, isReleased: false } : {}
}

test('whatever is done in whatever order, everybody is accounted for, and no recipient is with two holders', async () => {
  const runs = Number(process.env.CAUSEWAY_QUEUE_RUNS ?? 6)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
      await using one = await bench({ leaseMs, under })
      b = one
      const model = new Model()
      const used: string[] = []
      for (const taken of steps) {
        await take(model, taken, used)
        await model.agreesWith(one.queue)
      }
    }),
    { numRuns: runs, endOnFailure: process.env.CAUSEWAY_QUEUE_SHRINK === undefined },
  )
})
