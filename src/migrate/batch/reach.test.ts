import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryServer } from '../in-memory/in-memory.ts'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Proven } from './login-forms.ts'
import { makeReach, type OpenMailbox } from './reach.ts'
import { serverSchema } from './settings.ts'
import type { MailboxRow } from './tables.ts'

const row = (id: number): MailboxRow => ({
  id,
  batch: 1,
  row: id + 1,
  email: `u${id}@new.example`,
  key: `u${id}@new.example`,
  userName: `u${id}`,
  userRoot: '',
  targetUserName: '',
  targetRoot: '',
  sourceForm: '',
  targetForm: '',
  isChosen: true,
  status: 'Queued',
  statusAt: 0,
  statusWhy: '',
  failures: 0,
  crashes: 0,
  passes: 0,
  messages: 0,
  bytes: 0,
  skipped: 0,
  score: '',
  activeMs: 0,
})

const refused = () => new MailboxTrouble('login', 'refused', { words: 'NO [AUTHENTICATIONFAILED] no' })

function stage(answer: (user: string, authzid: string) => MailboxTrouble | undefined) {
  const tried: string[] = []
  const proven: Proven[] = []
  const open: OpenMailbox = async ({ login, signal }) => {
    const authzid = login.kind === 'password' ? (login.authzid ?? '') : ''
    tried.push(authzid === '' ? login.user : `${login.user} for ${authzid}`)
    const trouble = answer(login.user, authzid)
    if (trouble !== undefined) throw trouble
    return new MemoryServer().connect(signal)
  }
  const reach = makeReach({
    open,
    keys: async () => ({ adminPassword: 'top' }),
    proven: () => proven,
    onWorked: (_, __, form) => void proven.push({ form, worked: 1 }),
    betweenTriesMs: 1,
  })
  return { reach, tried, proven }
}

const secret = { password: 'x', targetPassword: '' }
const { signal } = new AbortController()
const plain = serverSchema.parse({ host: 'old.example' })
const admin = serverSchema.parse({
  host: 'old.example',
  login: { kind: 'admin', user: 'boss', password: 'vault:boss' },
})

test('the form that works is found out, remembered, and used alone from then on', async () => {
  const { reach, tried, proven } = stage((user) => (user.includes('@') ? undefined : refused()))
  const { connect } = reach.side('source', plain, row(1), secret)
  await connect(signal)
  await connect(signal)
  assert.deepEqual(tried, ['u1', 'u1@new.example', 'u1@new.example'])
  assert.deepEqual(proven, [{ form: 'withDomain', worked: 1 }])
})

test('a wrong password is tried twice, and both names are told', async () => {
  const { reach, tried } = stage(refused)
  const side = reach.side('source', plain, row(1), secret)
  await assert.rejects(side.connect(signal), { kind: 'login' })
  assert.deepEqual(tried, ['u1', 'u1@new.example'])
  assert.deepEqual(side.tried(), tried)
})

test('anything but a refusal ends the trying: it says nothing of the form', async () => {
  for (const kind of ['throttled', 'busy', 'unreachable', 'tls'] as const) {
    const { reach, tried } = stage(() => new MailboxTrouble(kind, 'later', { words: '[UNAVAILABLE]' }))
    await assert.rejects(reach.side('source', plain, row(1), secret).connect(signal), { kind })
    assert.equal(tried.length, 1)
  }
})

test('an admin who is refused is not tried for each of thousands', async () => {
  const { reach, tried } = stage(refused)
  const all = Array.from({ length: 30 }, (_, i) => reach.side('source', admin, row(i), secret).connect(signal))
  const ended = await Promise.allSettled(all)
  assert.ok(ended.every(({ status }) => status === 'rejected'))
  assert.equal(tried.length, 3 * 2, tried.join(', '))
  reach.forgive(1)
  await assert.rejects(reach.side('source', admin, row(1), secret).connect(signal))
  assert.equal(tried.length, 4 * 2)
})

test('an admin who works for one is used at once for the others, in the form that worked', async () => {
  const { reach, tried } = stage((_, authzid) => (authzid === '' ? undefined : refused()))
  await Promise.all([1, 2, 3].map((i) => reach.side('source', admin, row(i), secret).connect(signal)))
  assert.deepEqual(tried.slice(0, 2), ['boss for u1', 'u1*boss'])
  assert.deepEqual(tried.slice(2).sort(), ['u2*boss', 'u3*boss'])
})
