import assert from 'node:assert/strict'
import { test } from 'node:test'
import { all, by, extended, inbox, startServer, troubleIn, usual } from './for-tests.ts'
import type { OpenOptions } from './imap.ts'

test('a folder that is open: its state, its keywords', async () => {
  await using server = await startServer({
    on: by({
      'SELECT "A"': [
        '* 2 EXISTS',
        '* FLAGS (\\Seen a] $X)',
        '* OK [PERMANENTFLAGS (\\Seen a] \\*)] limited',
        '* OK [UIDVALIDITY 4] ',
        '* OK [UIDNEXT 6] ',
        '* OK [HIGHESTMODSEQ 99999999999999999] ',
      ],
      'EXAMINE "B"': ['* 1 EXISTS', '* FLAGS (\\Seen old)', '* OK [UIDVALIDITY 4] ', '* OK [NOMODSEQ] '],
      'FETCH *': ['* 1 FETCH (UID 41)'],
      'EXAMINE "C"': ['TAG NO [NONEXISTENT] gone'],
      'EXAMINE "D"': ['* 1 EXISTS'],
    }),
  })
  const mailbox = await server.open()
  const folder = (id: string) => ({ ...inbox, id })
  const a = await mailbox.open(folder('A'), { readOnly: false })
  assert.deepEqual(a.state, { uidValidity: 4, uidNext: 6, messages: 2, modSeq: '99999999999999999' })
  assert.deepEqual([a.takesAnyKeyword, a.permanentFlags], [true, ['\\Seen', 'a]']])
  const b = await mailbox.open(folder('B'), { readOnly: true })
  assert.deepEqual(b.state, { uidValidity: 4, uidNext: 42, messages: 1 })
  assert.deepEqual([b.takesAnyKeyword, b.permanentFlags], [false, ['\\Seen', 'old']])
  assert.equal((await troubleIn(() => a.uids())).kind, 'stopped', 'the next ends the last')
  assert.equal((await troubleIn(() => mailbox.open(folder('C'), { readOnly: true }))).kind, 'changed')
  assert.equal((await troubleIn(() => mailbox.open(folder('D'), { readOnly: true }))).kind, 'unsupported')
})

test('messages are listed with what somebody changes meanwhile in between', async () => {
  await using server = await startServer({
    on: by({
      'UID FETCH 4:*': [
        '* 1 FETCH (UID 3 FLAGS () INTERNALDATE "17-Jul-2026 02:44:25 -0700" RFC822.SIZE 10)',
        '* 2 FETCH (FLAGS (\\Seen \\Recent $X) RFC822.SIZE 11 UID 4 INTERNALDATE "17-Jul-2026 02:44:25 -0700" MODSEQ (12))',
        '* 1 EXPUNGE',
        '* 4 EXISTS',
        '* 1 FETCH (UID 2 FLAGS (\\Deleted) MODSEQ (13))',
        '* OK [ALERT] hi',
        '* 3 FETCH (UID 9 FLAGS () INTERNALDATE "17-Jul-2026 02:44:25 -0700" RFC822.SIZE 12)',
      ],
    }),
  })
  const folder = await (await server.open()).open(inbox, { readOnly: true })
  const listed = (await all(folder.list({ from: 4, changedSince: '77' }))).flat()
  const internalDate = '17-Jul-2026 02:44:25 -0700'
  assert.deepEqual(listed, [
    { uid: 4, flags: ['\\Seen', '$X'], internalDate, size: 11 },
    { uid: 9, flags: [], internalDate, size: 12 },
  ])
  assert.equal(server.commands.at(-1), 'UID FETCH 4:* (UID FLAGS INTERNALDATE RFC822.SIZE) (CHANGEDSINCE 77)')
})

test('a long listing is read no faster than it is taken, and other commands go through all the same', async () => {
  const count = 100_000
  await using server = await startServer({
    on: ({ command, say, ok }) => {
      if (command.startsWith('EXAMINE')) say(`* ${count} EXISTS`, '* OK [UIDVALIDITY 1] ', '* OK [UIDNEXT 9] ')
      else if (command.startsWith('UID FETCH')) {
        for (let uid = 1; uid <= count; uid += 1)
          say(`* ${uid} FETCH (UID ${uid} FLAGS () INTERNALDATE "x" RFC822.SIZE 1)`)
      } else return false
      ok()
      return true
    },
  })
  const folder = await (await server.open()).open(inbox, { readOnly: true })
  let listed = 0
  for await (const group of folder.list()) {
    if (listed === 0) await new Promise((resolve) => setTimeout(resolve, 300))
    else if (listed < 30_000) await folder.setFlags([1], ['\\Seen'], 'add')
    assert.ok(group.length < 40_000 || listed > 0, `${group.length} were waiting`)
    listed += group.length
  }
  assert.equal(listed, count)
})

test('who lists folder after folder finds the next list on its way', async () => {
  const state = (id: string, messages: number) => `* STATUS ${id} (MESSAGES ${messages} UIDNEXT 9 UIDVALIDITY 7)`
  await using server = await startServer({
    on: by({
      STATUS: [state('INBOX', 1), state('B', 1), state('C', 9000), state('D', 1)],
      'UID FETCH': ['* 1 FETCH (UID 4 FLAGS () INTERNALDATE "x" RFC822.SIZE 1)'],
    }),
  })
  const mailbox = await server.open()
  const folders = ['INBOX', 'B', 'C', 'D', 'D'].map((id) => ({ ...inbox, id }))
  await mailbox.states(folders.slice(0, 4))
  const begunWith: string[] = []
  for (const [i, folder] of folders.entries()) {
    const opened = await mailbox.open(folder, { readOnly: true })
    begunWith.push(server.commands.at(-1) ?? '')
    if (i === 3) await opened.uids()
    else assert.equal((await all(opened.list())).flat().length, 1)
  }
  assert.deepEqual(
    begunWith.map((command) => command.slice(0, 9)),
    ['EXAMINE "', 'UID FETCH', 'EXAMINE "', 'UID FETCH', 'EXAMINE "'],
  )
  assert.equal(server.commands.filter((command) => command.startsWith('UID FETCH')).length, 5)
  const last = await mailbox.open(inbox, { readOnly: true })
  const listing = last.list({ changedSince: '1) x' })
  assert.equal((await troubleIn(() => all(listing))).kind, 'refused')
})

test('the next folder is opened and listed behind what is under way in the last', async () => {
  const flow: string[] = []
  await using server = await startServer({
    on: (talk) => {
      const { command, say } = talk
      flow.push(command.split(' ').slice(0, 2).join(' '))
      const folder = flow.findLast((one) => one.startsWith('EXAMINE'))
      if (/^UID FETCH \S+ \(UID RFC822.SIZE\)/.test(command)) say('* 1 FETCH (UID 5 RFC822.SIZE 1)')
      else if (command.includes('BODY.PEEK')) {
        later = () => {
          say(
            '* 9 EXISTS',
            '* FLAGS (old)',
            `* 1 FETCH (UID 5 FLAGS () INTERNALDATE "x" RFC822.SIZE 1 BODY[] {1}`,
            'A)',
            `${talk.tag} OK`,
          )
          for (const rest of held.splice(0)) rest()
        }
        return true
      } else if (command.startsWith('EXAMINE')) {
        held.push(() =>
          say(
            `* ${folder?.includes('B') === true ? 1 : 3} EXISTS`,
            '* OK [UIDVALIDITY 4] ',
            '* OK [UIDNEXT 8] ',
            '* FLAGS (new)',
            `${talk.tag} OK`,
          ),
        )
        if (later === undefined) held.pop()?.()
        return true
      } else if (command.startsWith('UID FETCH')) {
        held.push(() => say('* 1 FETCH (UID 7 FLAGS () INTERNALDATE "x" RFC822.SIZE 1)', `${talk.tag} OK`))
        if (held.length === 2) later?.()
        return true
      } else return false
      talk.ok()
      return true
    },
  })
  let later: (() => void) | undefined
  const held: (() => void)[] = []
  const mailbox = await server.open()
  const first = await mailbox.open(inbox, { readOnly: true })
  const messages = first.fetch([5])
  const ahead: OpenOptions = { readOnly: true, isNext: true, list: {} }
  const next = mailbox.open({ ...inbox, id: 'B' }, ahead)
  assert.equal((await all(messages)).length, 1)
  const second = await next
  assert.equal(second.state.messages, 1)
  assert.deepEqual(second.permanentFlags, ['new'], 'what was said of the folder before is not of this one')
  assert.deepEqual(
    (await all(second.list({}))).flat().map(({ uid }) => uid),
    [7],
  )
  assert.equal((await troubleIn(() => first.uids())).kind, 'stopped')
  assert.deepEqual(flow.slice(1), ['EXAMINE "INBOX"', 'UID FETCH', 'UID FETCH', 'EXAMINE "B"', 'UID FETCH'])
})

test('a list that leaves messages out is not taken for all of them', async () => {
  const entry = (uid: number): string => `* ${uid} FETCH (UID ${uid} FLAGS () INTERNALDATE "x" RFC822.SIZE 1)`
  const cases = [
    [[entry(1), entry(3)], 'changed'],
    [[entry(1), '* 2 EXPUNGE', entry(3), '* 9 EXISTS'], undefined],
    [[], 'changed'],
  ] as const
  for (const [answer, kind] of cases) {
    const opening = ['* 3 EXISTS', '* OK [UIDVALIDITY 1] ', '* OK [UIDNEXT 9] ']
    await using server = await startServer({ on: by({ EXAMINE: opening, 'UID FETCH': answer }) })
    const folder = await (await server.open()).open(inbox, { readOnly: true })
    const ends = await Promise.allSettled([all(folder.list())])
    assert.equal(ends[0].status === 'rejected' ? ends[0].reason.kind : undefined, kind)
    assert.deepEqual(await all(folder.list({ from: 20 })), [], 'of a part nothing is expected')
  }
})

test('UIDs by SEARCH and by ESEARCH', async () => {
  for (const [capabilities, line, command] of [
    [usual, '* SEARCH 9 2 5', 'UID SEARCH ALL'],
    [extended, '* ESEARCH (TAG "a5") UID ALL 2,5:5,9', 'UID SEARCH RETURN (ALL) ALL'],
  ] as const) {
    await using server = await startServer({ capabilities, on: by({ 'UID SEARCH': [line] }) })
    const folder = await (await server.open()).open(inbox, { readOnly: true })
    assert.deepEqual(await folder.uids(), [2, 5, 9])
    assert.equal(server.commands.at(-1), command)
  }
})

test('headings, whatever the spelling of the section', async () => {
  const header = 'Message-ID: <a@x>\r\nSubject: two\r\n\tlines\r\nnonsense\r\n\r\n'
  await using server = await startServer({
    on: ({ command, raw, ok }) => {
      if (!command.startsWith('UID FETCH')) return false
      raw(
        `* 1 FETCH (UID 4 BODY[HEADER.FIELDS (MESSAGE-ID DATE "FROM")] {${header.length}}\r\n${header})\r\n* 2 FETCH (BODY[header.fields (x)] NIL UID 5)\r\n`,
      )
      ok()
      return true
    },
  })
  const folder = await (await server.open()).open(inbox, { readOnly: true })
  assert.deepEqual((await all(folder.headings([4, 5]))).flat(), [
    {
      uid: 4,
      fields: [
        ['Message-ID', '<a@x>'],
        ['Subject', 'two\tlines'],
      ],
    },
    { uid: 5, fields: [] },
  ])
})

test('flags and removal; without UIDPLUS nothing is expunged', async () => {
  await using server = await startServer()
  const folder = await (await server.open()).open(inbox, { readOnly: false })
  await folder.setFlags([3, 1, 2, 9], ['\\Seen', '$X'], 'add')
  await folder.setFlags([1], [], 'replace')
  await folder.setFlags([1], [], 'remove')
  await folder.remove([4])
  assert.deepEqual(server.commands.slice(-4), [
    'UID STORE 1:3,9 +FLAGS.SILENT (\\Seen $X)',
    'UID STORE 1 FLAGS.SILENT ()',
    'UID STORE 4 +FLAGS.SILENT (\\Deleted)',
    'UID EXPUNGE 4',
  ])
  assert.equal((await troubleIn(() => folder.setFlags([1], ['a) b'], 'add'))).kind, 'refused')
  await using old = await startServer({ capabilities: 'IMAP4rev1' })
  const other = await (await old.open()).open(inbox, { readOnly: false })
  assert.equal((await troubleIn(() => other.remove([1]))).kind, 'unsupported')
  assert.ok(!old.commands.some((command) => command.startsWith('UID STORE')))
})

test('a UIDVALIDITY that changes in the middle of a fetch is not taken for messages that vanished', async () => {
  await using server = await startServer({
    on: by({
      'UID FETCH 1:2 (UID R': ['* 1 FETCH (UID 1 RFC822.SIZE 1)', '* 2 FETCH (UID 2 RFC822.SIZE 1)'],
      'UID FETCH 1:2 (UID F': ['* OK [UIDVALIDITY 8] new'],
    }),
  })
  const folder = await (await server.open()).open(inbox, { readOnly: true })
  assert.equal((await troubleIn(() => all(folder.fetch([1, 2])))).kind, 'changed')
})

test('a UIDVALIDITY that changes while the folder is open', async () => {
  await using server = await startServer({ on: by({ 'UID SEARCH': ['* SEARCH 1', '* OK [UIDVALIDITY 8] new'] }) })
  const folder = await (await server.open()).open(inbox, { readOnly: true })
  assert.equal((await troubleIn(() => folder.uids())).kind, 'changed')
  assert.equal((await troubleIn(() => all(folder.fetch([1])))).kind, 'changed')
})
