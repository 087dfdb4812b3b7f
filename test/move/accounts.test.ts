import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { z } from 'zod'
import { type LabGraph, startLabGraph } from '../../src/lab/graph/graph.ts'
import {
  type AccountPlan,
  type AccountSettings,
  type Created,
  createAccounts,
  planAccounts,
  prepareDomain,
  readAccounts,
} from '../../src/migrate/accounts/accounts.ts'
import { putGraphContacts, readContacts } from '../../src/migrate/contacts/contacts.ts'
import { type Graph, makeGraph } from '../../src/tenants/graph/graph.ts'

const sku = { skuId: '11111111-2222-4333-8444-555555555555', skuPartNumber: 'O365_BUSINESS_ESSENTIALS', enabled: 3 }
const settings: AccountSettings = { usageLocation: 'DE', licence: sku.skuPartNumber }

async function setStage(t: TestContext): Promise<{ lab: LabGraph; graph: Graph }> {
  const lab = await startLabGraph()
  t.after(lab.stop)
  lab.domains.set('contoso.example', { isVerified: true, txt: '' })
  lab.skus.push({ ...sku })
  return { lab, graph: makeGraph({ base: lab.base, token: async () => ({ ok: true, value: lab.token }) }) }
}

const people = (...names: readonly string[]) =>
  readAccounts(Buffer.from(`Email\n${names.map((name) => `${name}@contoso.example`).join('\n')}\n`), {}).accounts

async function planned(graph: Graph, accounts: ReturnType<typeof people>): Promise<AccountPlan> {
  const plan = await planAccounts(graph, accounts, settings)
  assert.ok(plan.ok)
  return plan.value
}

async function create(graph: Graph, plan: AccountPlan): Promise<{ done: Created[]; kept: Map<string, string> }> {
  const done: Created[] = []
  const kept = new Map<string, string>()
  const store = {
    keep: (name: string, password: string) => void kept.set(name, password),
    forget: (name: string) => void kept.delete(name),
  }
  await createAccounts(graph, plan, settings, store, (one) => void done.push(one))
  return { done, kept }
}

test('a list becomes users with licences; a second time nothing is left to do', async (t) => {
  const { lab, graph } = await setStage(t)
  const accounts = people('ann', 'bob', 'carl')
  const plan = await planned(graph, accounts)
  assert.deepEqual(
    plan.steps.map((step) => step.action),
    ['create', 'create', 'create'],
  )
  assert.deepEqual(plan.obstacles, [])
  lab.throttle(2, 0)
  const { done, kept } = await create(graph, plan)
  assert.deepEqual(
    done.map((one) => one.outcome),
    ['created', 'created', 'created'],
  )
  assert.equal(kept.size, 3)
  assert.deepEqual(
    lab.users.map((user) => [user['userPrincipalName'], user['usageLocation'], user['assignedLicenses']]),
    ['ann', 'bob', 'carl'].map((name) => [`${name}@contoso.example`, 'DE', [{ skuId: sku.skuId }]]),
  )
  const again = await planned(graph, accounts)
  assert.deepEqual(
    again.steps.map((step) => step.action),
    ['none', 'none', 'none'],
  )
})

test('what stands in the way is told before anything is made', async (t) => {
  const { lab, graph } = await setStage(t)
  lab.users.push({
    id: 'x',
    userPrincipalName: 'boss@contoso.example',
    proxyAddresses: ['smtp:ann@contoso.example'],
    assignedLicenses: [],
  })
  const list = readAccounts(
    Buffer.from(
      'Email\nann@contoso.example\na@other.example\nb@contoso.example\nc@contoso.example\nd@contoso.example\n',
    ),
    {},
  )
  const plan = await planned(graph, list.accounts)
  assert.deepEqual(
    plan.obstacles.map(({ why }) => why),
    ['other.example is no domain of the tenant', '4 licences O365_BUSINESS_ESSENTIALS are needed, 3 are free'],
  )
  assert.deepEqual(plan.steps[0], {
    account: list.accounts[0],
    action: 'conflict',
    why: 'the address belongs to boss@contoso.example',
    wantsLicence: false,
  })
  const wrong = await planAccounts(graph, [], { usageLocation: 'DE', licence: 'E5' })
  assert.ok(wrong.ok)
  assert.deepEqual(wrong.value.obstacles, [
    { why: 'the tenant has no licence E5', remedy: 'it has: O365_BUSINESS_ESSENTIALS' },
  ])
})

test('one that is there without a licence is completed; one that fails costs no others', async (t) => {
  const { lab, graph } = await setStage(t)
  lab.users.push({ id: 'b', userPrincipalName: 'bob@contoso.example', proxyAddresses: [], assignedLicenses: [] })
  const plan = await planned(graph, people('ann', 'bob', 'carl'))
  assert.equal(plan.steps[1]?.why, 'is there without usage location and licence')
  // Somebody else makes one of them meanwhile.
  lab.users.push({ id: 'c', userPrincipalName: 'carl@contoso.example', proxyAddresses: [], assignedLicenses: [] })
  const { done, kept } = await create(graph, plan)
  assert.deepEqual(
    done.map((one) => one.outcome),
    ['created', 'completed', 'failed'],
  )
  assert.match(done[2]?.why ?? '', /already exists/)
  assert.deepEqual([...kept.keys()], ['ann@contoso.example'])
})

test('when nobody heard whether an account was made, its password is kept', async (t) => {
  const { graph } = await setStage(t)
  const plan = await planned(graph, people('ann'))
  const gone = makeGraph({ base: 'http://127.0.0.1:2', token: async () => ({ ok: true, value: 'x' }) })
  const { done, kept } = await create(gone, plan)
  assert.equal(done[0]?.outcome, 'failed')
  assert.deepEqual([...kept.keys()], ['ann@contoso.example'])
})

test('a domain: added, its record shown, looked for, verified', async (t) => {
  const { lab, graph } = await setStage(t)
  let published: readonly string[] = []
  const dns = {
    txt: async () =>
      published.length === 0 ? ({ kind: 'absent' } as const) : ({ kind: 'found', value: published } as const),
  }
  const prepare = async () => {
    const answer = await prepareDomain(graph, dns, 'new.example')
    assert.ok(answer.ok)
    return answer.value
  }
  const first = await prepare()
  assert.match(first.record?.value ?? '', /^MS=ms\d{8}$/)
  assert.deepEqual(first.said, [
    'new.example was added to the tenant',
    'the record is not in the DNS yet: publish it, and ask again',
  ])
  published = ['v=spf1 -all', first.record?.value ?? '']
  assert.deepEqual((await prepare()).said, [
    'the record is in the DNS; Domain verification failed: the expected DNS record was not found.: ask again in a few minutes',
  ])
  lab.published = () => published
  assert.deepEqual((await prepare()).said, ['new.example is verified now'])
  assert.deepEqual((await prepare()).said, ['new.example is verified'])
})

test('contacts by Graph: put once, over all pages of what is there', async (t) => {
  const { lab, graph } = await setStage(t)
  lab.users.push({ id: 'u', userPrincipalName: 'ann@contoso.example', proxyAddresses: [], assignedLicenses: [] })
  const contacts = readContacts(Buffer.from('Name,Email\nMary,m@x.example\nBob,b@x.example\n')).contacts.map(
    (one) => one.contact,
  )
  const put = () => putGraphContacts(graph, 'ann@contoso.example', contacts)
  assert.deepEqual(await put(), { ok: true, value: { created: 2, there: 0, failed: [] } })
  assert.deepEqual(await put(), { ok: true, value: { created: 0, there: 2, failed: [] } })
  assert.deepEqual(
    lab.contacts.get('u')?.map((one) => one['displayName']),
    ['Mary', 'Bob'],
  )
})

test('Graph: refusals in its words, throttling within the patience, no answer of another shape', async (t) => {
  const { lab, graph } = await setStage(t)
  const stranger = makeGraph({ base: lab.base, token: async () => ({ ok: true, value: 'wrong' }) })
  assert.deepEqual(await stranger.list('/users', z.unknown()), {
    ok: false,
    trouble: { kind: 'denied', code: 'InvalidAuthenticationToken', why: 'Access token validation failure.' },
  })
  lab.throttle(1, 300)
  const hurried = makeGraph({ base: lab.base, token: async () => ({ ok: true, value: lab.token }), patienceMs: 1000 })
  const answer = await hurried.list('/users', z.unknown())
  assert.equal(answer.ok ? '' : answer.trouble.kind, 'throttled')
  const wrong = await graph.get('/domains/contoso.example', z.object({ id: z.number() }))
  assert.equal(wrong.ok ? '' : wrong.trouble.kind, 'wrong')
})
