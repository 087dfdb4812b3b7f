import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewMessage } from '../mailbox/mailbox.ts'
import { inbox, type Script, startServer, type Talk, troubleIn, usual } from './for-tests.ts'

const internalDate = '17-Jul-2026 02:44:25 -0700'
const message = (text: string, more: Partial<NewMessage> = {}): NewMessage => ({
  flags: ['\\Seen', '$X'],
  internalDate,
  content: Buffer.from(text),
  ...more,
})
const appends = (commands: readonly string[]): string[] => commands.filter((command) => command.startsWith('APPEND'))

/** Gives UIDs to what it gets, as many as there are literals. */
function taking(refuse: (talk: Talk) => string | undefined = () => undefined): Script['on'] {
  let uid = 10
  return (talk) => {
    if (!talk.command.startsWith('APPEND')) return false
    const why = refuse(talk)
    const count = talk.command.match(/\{\d+\+?\}\r\n/g)?.length ?? 0
    if (why !== undefined) talk.say(`${talk.tag} ${why}`)
    else talk.ok(`[APPENDUID 5 ${uid}:${(uid += count) - 1}] done`)
    return true
  }
}

test('many at once, none waiting for another; UIDs where the server tells them', async () => {
  await using server = await startServer({ on: taking() })
  const mailbox = await server.open()
  const done = await Promise.all(['a', 'b\r\n', ''].map((text) => mailbox.append(inbox, message(text))))
  assert.deepEqual(
    done,
    [10, 11, 12].map((uid) => ({ uid, uidValidity: 5 })),
  )
  assert.deepEqual(appends(server.commands), [
    `APPEND "INBOX" (\\Seen $X) "${internalDate}" {1+}\r\na`,
    `APPEND "INBOX" (\\Seen $X) "${internalDate}" {3+}\r\nb\r\n`,
    `APPEND "INBOX" (\\Seen $X) "${internalDate}" {0+}\r\n`,
  ])
})

test('with MULTIAPPEND what waits goes together, by folder', async () => {
  await using server = await startServer({ capabilities: `${usual} MULTIAPPEND`, on: taking() })
  const mailbox = await server.open()
  const other = { ...inbox, id: 'Other' }
  const folders = [inbox, inbox, inbox, other, inbox]
  const done = await Promise.all(folders.map((folder, i) => mailbox.append(folder, message(`${i}`))))
  assert.deepEqual(
    done.map(({ uid }) => uid),
    [10, 11, 12, 13, 14],
  )
  assert.equal(appends(server.commands).length, 3)
  assert.equal(
    appends(server.commands)[0],
    `APPEND "INBOX"${[0, 1, 2].map((i) => ` (\\Seen $X) "${internalDate}" {1+}\r\n${i}`).join('')}`,
  )
})

test('a gathered command that is refused is tried message by message', async () => {
  const refuse = ({ command }: Talk): string | undefined => (command.includes('bad') ? 'NO [TOOBIG] no' : undefined)
  await using server = await startServer({ capabilities: `${usual} MULTIAPPEND`, on: taking(refuse) })
  const mailbox = await server.open()
  const [good, bad, last] = await Promise.allSettled(
    ['one', 'bad', 'two'].map((text) => mailbox.append(inbox, message(text))),
  )
  assert.deepEqual([good?.status, bad?.status, last?.status], ['fulfilled', 'rejected', 'fulfilled'])
  assert.equal(bad?.status === 'rejected' && bad.reason.kind, 'tooLarge')
  assert.equal(appends(server.commands).length, 4)
})

test('an APPENDUID that does not fit is none', async () => {
  await using server = await startServer({
    on: (talk) => talk.command.startsWith('APPEND') && (talk.ok('[APPENDUID 5 1:4294967295] x'), true),
  })
  const mailbox = await server.open()
  assert.deepEqual(await mailbox.append(inbox, message('a')), { uidValidity: 5 })
})

test('fewer UIDs than messages: nobody knows whose they are', async () => {
  await using server = await startServer({
    capabilities: `${usual} MULTIAPPEND`,
    on: (talk) => talk.command.startsWith('APPEND') && (talk.ok('[APPENDUID 5 7] x'), true),
  })
  const mailbox = await server.open()
  const done = await Promise.all(['a', 'b'].map((text) => mailbox.append(inbox, message(text))))
  assert.deepEqual(done, [{ uidValidity: 5 }, { uidValidity: 5 }])
})

test('what is under way is answered before a content begins that may fail', async () => {
  await using server = await startServer({
    on: (talk) => {
      if (!talk.command.startsWith('APPEND')) return false
      setTimeout(() => talk.ok(), 50)
      return true
    },
  })
  const mailbox = await server.open()
  const before = mailbox.append(inbox, message('before'))
  const failing = mailbox.append(inbox, message('', { content: { size: 6, read: () => inPieces('ab') } }))
  const [first, second] = await Promise.allSettled([before, failing])
  assert.deepEqual([first.status, second.status], ['fulfilled', 'rejected'])
})

test('literals that must wait, and only those', async () => {
  for (const [capabilities, sizes] of [
    ['IMAP4rev1', ['{5}', '{4097}']],
    ['IMAP4rev1 LITERAL-', ['{5+}', '{4097}']],
    ['IMAP4rev1 LITERAL+', ['{5+}', '{4097+}']],
  ] as const) {
    await using server = await startServer({ capabilities, on: taking() })
    const mailbox = await server.open()
    await Promise.all([mailbox.append(inbox, message('12345')), mailbox.append(inbox, message('x'.repeat(4097)))])
    assert.deepEqual(
      appends(server.commands).map((command) => /\{\d+\+?\}/.exec(command)?.[0]),
      sizes,
    )
  }
})

test('a refusal instead of the permission to go on; the next one is sent all the same', async () => {
  await using server = await startServer({
    capabilities: 'IMAP4rev1',
    toLiteral: (bytes) => (bytes > 10 ? 'NO [TOOBIG] no' : undefined),
  })
  const mailbox = await server.open()
  const [large, small] = await Promise.allSettled([
    mailbox.append(inbox, message('x'.repeat(11))),
    mailbox.append(inbox, message('ok')),
  ])
  assert.equal(large.status === 'rejected' && large.reason.kind, 'tooLarge')
  assert.equal(small.status, 'fulfilled')
})

test('a message that was taken before it was sent was not', async () => {
  await using server = await startServer({ capabilities: 'IMAP4rev1', toLiteral: () => 'OK [APPENDUID 1 2] thank you' })
  const mailbox = await server.open()
  assert.equal((await troubleIn(() => mailbox.append(inbox, message('x')))).kind, 'hostile')
})

async function* inPieces(...pieces: readonly string[]): AsyncGenerator<Buffer, undefined> {
  for (const piece of pieces) yield Buffer.from(piece)
}

test('a large content is asked about first, and streamed', async () => {
  await using server = await startServer({ on: taking() })
  const mailbox = await server.open()
  const content = { size: 6, read: () => inPieces('ab', 'cd', 'ef') }
  assert.deepEqual(await mailbox.append(inbox, message('', { content })), { uid: 10, uidValidity: 5 })
  assert.equal(appends(server.commands)[0], `APPEND "INBOX" (\\Seen $X) "${internalDate}" {6}\r\nabcdef`)
})

test('a content that is not as long as it said, or fails, is never a message', async () => {
  async function* failing(): AsyncGenerator<Buffer, undefined> {
    yield Buffer.from('ab')
    throw new Error('source lost')
  }
  for (const [read, kind] of [
    [() => inPieces('ab'), 'hostile'],
    [() => inPieces('abcd', 'ef\r\nX1 DELETE "INBOX"\r\n'), 'hostile'],
    [failing, 'refused'],
  ] as const) {
    await using server = await startServer({ on: taking() })
    const mailbox = await server.open()
    const before = mailbox.append(inbox, message('before'))
    const trouble = await troubleIn(() => mailbox.append(inbox, message('', { content: { size: 6, read } })))
    assert.equal(trouble.kind, kind)
    assert.deepEqual(await before, { uid: 10, uidValidity: 5 })
    assert.equal((await troubleIn(() => mailbox.append(inbox, message('x')))).kind, 'unreachable')
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.deepEqual(server.commands.slice(2), [], 'nothing of it became a command')
  }
})

const line = 'y'.repeat(10_500)
const refusals: readonly (readonly [answer: string, kind: string, content?: string])[] = [
  ['NO [OVERQUOTA] Quota exceeded', 'full'],
  ['NO Server Unavailable. 15', 'full'],
  ['NO [OVERQUOTA] Account exceeded command or bandwidth limits. abc', 'throttled'],
  ['BAD Request is throttled. Suggested Backoff Time: 1000 milliseconds', 'throttled'],
  ['NO Maximum size of appendable message has been exceeded.', 'tooLarge'],
  ['NO [TOOBIG] too big', 'tooLarge'],
  ['BAD Command Argument Error. 11', 'lineTooLong', `short\r\n${line}\r\nshort`],
  ['BAD Command Argument Error. 11', 'refused'],
  ['BAD Command Argument Error. 12', 'refused'],
  ['NO [TRYCREATE] no such folder', 'changed'],
  ['NO [INUSE] locked', 'busy'],
  ['NO line is too long', 'lineTooLong'],
  ['NO no', 'refused'],
]

for (const [answer, kind, content = 'x'] of refusals) {
  test(`${answer}: ${kind}`, async () => {
    await using server = await startServer({ on: taking(() => answer) })
    const mailbox = await server.open()
    const trouble = await troubleIn(() => mailbox.append(inbox, message(content)))
    assert.equal(trouble.kind, kind)
    assert.equal(trouble.words, answer.replace(/^\w+ /, ''))
  })
}

test('flags and dates that would be more than that are refused and not sent', async () => {
  await using server = await startServer()
  const mailbox = await server.open()
  const bad: readonly Partial<NewMessage>[] = [
    { flags: ['a)\r\nA1 X'] },
    { flags: ['a b'] },
    { flags: ['a{3}'] },
    { internalDate: '1" {5}\r\n' },
    { internalDate: '"' },
  ]
  for (const more of bad)
    assert.equal((await troubleIn(() => mailbox.append(inbox, message('x', more)))).kind, 'refused')
  assert.deepEqual(appends(server.commands), [])
})

test('what is under way when the server goes is told of it, each by itself', async () => {
  await using server = await startServer({
    on: ({ command, raw }) => command.startsWith('APPEND') && (raw('* BYE Connection closed. 14\r\n'), true),
  })
  const mailbox = await server.open()
  const ends = await Promise.allSettled([1, 2, 3].map(() => mailbox.append(inbox, message('x'))))
  assert.deepEqual(
    ends.map((end) => end.status === 'rejected' && end.reason.kind),
    ['unreachable', 'unreachable', 'unreachable'],
  )
})
