/** Our IMAP client against servers that are not ours, each method of the contract; who copies mailboxes stands in other tests. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Endpoint, type ImapLimits, type Login, openImap } from '../../src/migrate/imap/imap.ts'
import { type Folder, type Mailbox, MailboxTrouble } from '../../src/migrate/mailbox/mailbox.ts'
import { compareMailboxes } from '../support/compare-mailboxes.ts'
import { missingCyrus, startCyrus } from '../support/cyrus.ts'
import { type Dovecot, type DovecotOptions, startDovecot } from '../support/dovecot.ts'
import { makeMailbox, oddMessages } from '../support/mail-corpus.ts'
import { missing } from '../support/program.ts'

const skip = missing('dovecot')
const users = { ann: 'p"\\x', bob: 'bob' }
const ann: Login = { kind: 'password', user: 'ann', password: users.ann }
const bob: Login = { kind: 'password', user: 'bob', password: users.bob }

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-imap-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'server')
}

async function dovecot(t: TestContext, o: Partial<DovecotOptions> = {}): Promise<Dovecot> {
  const server = await startDovecot({ dir: folder(t), users, ...o })
  t.after(() => hangUp(server))
  return server
}

/** A server that is told to stop waits for those who are connected. */
async function hangUp(server: { readonly stop: () => Promise<void> }): Promise<void> {
  hanging.abort()
  hanging = new AbortController()
  await server.stop()
}

let hanging = new AbortController()

type At = {
  readonly port: number
  readonly login: Login
  readonly limits?: Partial<ImapLimits>
  readonly endpoint?: Partial<Endpoint>
}

async function open({ port, login, limits = {}, endpoint = {} }: At): Promise<Mailbox> {
  return openImap({
    endpoint: { host: '127.0.0.1', port, security: 'none', ...endpoint },
    login,
    limits,
    signal: hanging.signal,
  })
}

/** Every folder, every message, as fast as they come. */
async function pump(source: Mailbox, target: Mailbox, mayBeNamed = /^/): Promise<number> {
  const folders = (await source.folders()).filter(({ path }) => path.every((part) => mayBeNamed.test(part)))
  let count = 0
  for (const from of folders.filter(({ holdsMessages }) => holdsMessages)) {
    const to = await target.create(from.path, {
      subscribe: from.isSubscribed,
      ...(from.use === undefined ? {} : { use: from.use }),
    })
    const opened = await source.open(from, { readOnly: true })
    const uids: number[] = []
    for await (const group of opened.list()) uids.push(...group.map(({ uid }) => uid))
    assert.deepEqual(await opened.uids(), uids)
    const sent: Promise<unknown>[] = []
    for await (const message of opened.fetch(uids)) sent.push(target.append(to, message))
    assert.equal(sent.length, uids.length)
    count += (await Promise.all(sent)).length
  }
  return count
}

const everything = { messages: 150, seed: 5, largest: 30_000 }

test('a mailbox from Dovecot to Dovecot, every byte; large ones in pieces on the way', { skip }, async (t) => {
  const [from, to] = [await dovecot(t), await dovecot(t)]
  const made = makeMailbox({ maildir: from.maildir('ann'), ...everything })
  // Small enough that pieces, batches and the window all have work.
  const limits = { wholeBytes: 20_000, pieceBytes: 7000, windowBytes: 100_000 }
  const source = await open({ port: from.port, login: ann, limits })
  const target = await open({
    port: to.tlsPort,
    login: bob,
    endpoint: { security: 'tls', ca: to.ca, servername: 'localhost' },
  })
  assert.deepEqual([source.traits.kind, target.traits.hasMultiAppend], ['dovecot', true])
  assert.equal(await pump(source, target), made.messages)
  const [judged] = await compareMailboxes({
    source: from,
    target: to,
    people: [{ source: { user: 'ann', password: users.ann }, target: { user: 'bob', password: 'bob' } }],
  })
  assert.deepEqual(judged?.differences, [])
  assert.equal(judged?.messages, made.messages)
})

/** It refuses wildcards and backslashes in names. */
const takenByCyrus = /^[^%*"\\]*$/

test('a mailbox from Dovecot to Cyrus and back into another', { skip: skip || missingCyrus() }, async (t) => {
  const from = await dovecot(t)
  const cyrus = await startCyrus({ dir: folder(t), users: { ann: 'ann' } })
  t.after(() => hangUp(cyrus))
  const made = makeMailbox({ maildir: from.maildir('ann'), ...everything, odd: false })
  const middle: Login = { kind: 'password', user: 'ann', password: 'ann' }
  const target = await open({ port: cyrus.port, login: middle })
  assert.equal(target.traits.kind, 'cyrus')
  assert.equal(await pump(await open({ port: from.port, login: ann }), target, takenByCyrus), made.messages)
  assert.equal(await pump(target, await open({ port: from.port, login: bob })), made.messages)
})

test('STARTTLS, a master user, a wrong password, a certificate that does not fit', { skip }, async (t) => {
  const server = await dovecot(t, { master: { name: 'boss', password: 'm' } })
  const tls: Partial<Endpoint> = { security: 'starttls', ca: server.ca, servername: 'localhost' }
  const at = (login: Login, endpoint = tls): Promise<Mailbox> => open({ port: server.port, login, endpoint })
  await (await at(ann)).close()
  await (await at({ kind: 'password', user: 'boss', password: 'm', authzid: 'ann' })).close()
  await (await at({ kind: 'password', user: 'ann*boss', password: 'm' })).close()
  const wrong: readonly (readonly [() => Promise<Mailbox>, string])[] = [
    [() => at({ ...ann, password: 'not this' }), 'login'],
    [() => at(ann, { ...tls, servername: 'other.example' }), 'tls'],
    [() => at(ann, { security: 'starttls' }), 'tls'],
  ]
  for (const [opening, kind] of wrong) {
    await assert.rejects(
      opening,
      (error) => error instanceof MailboxTrouble && error.kind === kind && !error.message.includes('not this'),
    )
  }
})

test('what changes: flags by CHANGEDSINCE, removal, news by IDLE, states', { skip }, async (t) => {
  const server = await dovecot(t)
  const [one, other] = [await open({ port: server.port, login: ann }), await open({ port: server.port, login: ann })]
  const inbox = await inboxOf(one)
  const added = await Promise.all(
    oddMessages()
      .slice(0, 5)
      .map((content) => one.append(inbox, { flags: [], internalDate: '17-Jul-2026 02:44:25 -0700', content })),
  )
  assert.deepEqual(
    added.map(({ uid }) => uid),
    [1, 2, 3, 4, 5],
  )

  const opened = await one.open(inbox, { readOnly: false })
  const watching = other.idle?.(inbox, AbortSignal.timeout(20_000))
  await new Promise((resolve) => setTimeout(resolve, 200))
  await opened.setFlags([2, 4], ['\\Flagged', '$Neu'], 'add')
  await watching
  const changed = opened.list({ changedSince: opened.state.modSeq ?? '' })
  const seen = (await all(changed)).flat()
  assert.deepEqual(
    seen.map(({ uid, flags }) => [uid, [...flags].sort()]),
    [
      [2, ['$Neu', '\\Flagged']],
      [4, ['$Neu', '\\Flagged']],
    ],
  )

  await opened.remove([1, 5])
  assert.deepEqual(await opened.uids(), [2, 3, 4])
  const state = (await one.states([inbox])).get(inbox.id)
  assert.deepEqual([state?.messages, state?.uidNext, state?.uidValidity], [3, 6, added[0]?.uidValidity])
  assert.deepEqual(
    (await all(opened.fetch([1, 2]))).map(({ uid }) => uid),
    [2],
  )
  const [heading] = (await all(opened.headings([2, 3]))).flat()
  assert.equal(heading?.uid, 2)
})

test('a quota that is full, a folder that is gone, a name of every kind', { skip }, async (t) => {
  const server = await dovecot(t, {
    config:
      'mail_plugins = $mail_plugins quota\nprotocol imap {\n  mail_plugins = $mail_plugins imap_quota\n}\nplugin {\n  quota = maildir:User\n  quota_rule = *:bytes=20000\n}',
  })
  const mailbox = await open({ port: server.port, login: ann })
  const inbox = await inboxOf(mailbox)
  const message = { flags: [], internalDate: '', content: Buffer.alloc(9000, 'x\r\n') }
  const ends = await Promise.allSettled([1, 2, 3, 4].map(() => mailbox.append(inbox, message)))
  assert.deepEqual(
    ends.map((end) => (end.status === 'fulfilled' ? 'taken' : end.reason.kind)),
    ['taken', 'taken', 'full', 'full'],
  )

  const paths = [['Ümlaut & "so"', 'back\\slash'], ['50%*'], ['trailing '], ['日本語'], ['a{3}']]
  const made = await Promise.all(paths.map((path) => mailbox.create(path, { subscribe: true })))
  await Promise.all(paths.map((path) => mailbox.create(path, { subscribe: false })))
  const listed = await mailbox.folders()
  for (const { path } of made)
    assert.ok(
      listed.some((one) => one.path.join('\0') === path.join('\0') && one.isSubscribed),
      path.join('/'),
    )
  const gone: Folder = { ...inbox, id: 'Gone', path: ['Gone'] }
  await assert.rejects(mailbox.open(gone, { readOnly: true }), { kind: 'changed' })
  await assert.rejects(mailbox.append(gone, { ...message, content: Buffer.from('x') }), { kind: 'changed' })
})

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of from) items.push(item)
  return items
}

async function inboxOf(mailbox: Mailbox): Promise<Folder> {
  const found = (await mailbox.folders()).find(({ use }) => use === 'inbox')
  assert.ok(found !== undefined)
  return found
}
