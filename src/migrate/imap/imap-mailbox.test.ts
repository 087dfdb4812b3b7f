import assert from 'node:assert/strict'
import { test } from 'node:test'
import { by, extended, inbox, type Script, startServer, troubleIn, usual } from './for-tests.ts'

test('folders in one command, their states with them', async () => {
  await using server = await startServer({
    capabilities: extended,
    on: by({
      NAMESPACE: ['* NAMESPACE (("" "/")) (("user/" "/")) NIL'],
      LIST: [
        '* LIST (\\Subscribed) "/" inbox',
        '* STATUS inbox (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7 HIGHESTMODSEQ 12 )',
        '* LIST (\\Sent \\HasNoChildren) "/" "Gesendet & ich"',
        '* STATUS "Gesendet & ich" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 8 HIGHESTMODSEQ 0)',
        '* LIST (\\Noselect) "/" Projekte',
        '* LIST () "/" {14}',
        'Projekte/&ZeU- ',
        '* LIST () "/" user/bob',
      ],
    }),
  })
  const mailbox = await server.open()
  const folders = await mailbox.folders()
  assert.deepEqual(folders, [
    { id: 'INBOX', path: ['INBOX'], use: 'inbox', holdsMessages: true, isSubscribed: true },
    { id: 'Gesendet & ich', path: ['Gesendet & ich'], use: 'sent', holdsMessages: true, isSubscribed: false },
    { id: 'Projekte', path: ['Projekte'], holdsMessages: false, isSubscribed: false },
    { id: 'Projekte/&ZeU-', path: ['Projekte', '日'], holdsMessages: true, isSubscribed: false },
  ])
  const states = await mailbox.states(folders.slice(0, 2))
  assert.deepEqual(
    [...states],
    [
      ['INBOX', { uidValidity: 7, uidNext: 9, messages: 3, modSeq: '12' }],
      ['Gesendet & ich', { uidValidity: 8, uidNext: 1, messages: 0 }],
    ],
  )
  assert.equal(server.commands.filter((command) => command.startsWith('STATUS')).length, 0)
  assert.match(
    server.commands.find((command) => command.startsWith('LIST')) ?? '',
    /RETURN \(SUBSCRIBED SPECIAL-USE STATUS \(/,
  )
  await mailbox.states(folders.slice(0, 2))
  assert.equal(
    server.commands.filter((command) => command.startsWith('STATUS')).length,
    2,
    'the second time they are asked for',
  )
})

test('LIST, LSUB and STATUS where that is all there is; a prefix before all names is no folder', async () => {
  await using server = await startServer({
    capabilities: 'IMAP4rev1 NAMESPACE',
    on: by({
      NAMESPACE: ['* NAMESPACE (("INBOX." ".")) NIL (("shared." "."))'],
      LIST: [
        '* LIST (\\HasChildren) "." INBOX',
        '* LIST () "." INBOX.Inbox',
        '* LIST () "." INBOX.Sent',
        '* LIST () "." INBOX.a.b',
        '* LIST () "." shared.all',
      ],
      LSUB: ['* LSUB () "." INBOX.Sent'],
      'STATUS "INBOX.a.b"': ['TAG NO no such mailbox'],
      'STATUS "INBOX.Sent"': ['* STATUS INBOX.Sent (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)'],
      'STATUS "INBOX"': ['* STATUS INBOX (MESSAGES -1 UIDNEXT 2 UIDVALIDITY 3)'],
    }),
  })
  const mailbox = await server.open()
  const folders = await mailbox.folders()
  assert.deepEqual(
    folders.map(({ path, isSubscribed }) => [path.join('/'), isSubscribed]),
    [
      ['INBOX', false],
      ['INBOX/Inbox', false],
      ['Sent', true],
      ['a/b', false],
    ],
  )
  assert.deepEqual([...(await mailbox.states(folders)).keys()], ['INBOX.Sent'])
  assert.equal((await mailbox.create(['Neu', 'v1.2 ü'], { subscribe: true })).id, 'INBOX.Neu.v1_2 &APw-')
  assert.deepEqual(server.commands.slice(-2), ['CREATE "INBOX.Neu.v1_2 &APw-"', 'SUBSCRIBE "INBOX.Neu.v1_2 &APw-"'])
})

test('below a root: what is there, without its path; the root is where mail arrives', async () => {
  await using server = await startServer({
    on: by({
      'LIST "" ""': ['* LIST (\\Noselect) "." ""'],
      LIST: [
        '* LIST () "." users.terry',
        '* LIST () "." users.terry.Sent',
        '* LIST () "." users.terryl',
        '* LIST () "." INBOX',
      ],
    }),
  })
  const mailbox = await server.open({ userRoot: '/users/terry' })
  const folders = await mailbox.folders()
  assert.deepEqual(
    folders.map(({ id, path }) => [id, path]),
    [
      ['users.terry', ['INBOX']],
      ['users.terry.Sent', ['Sent']],
    ],
  )
  assert.equal(folders[0]?.use, 'inbox')
  assert.equal((await mailbox.create(['A', 'B'], { subscribe: false })).id, 'users.terry.A.B')
})

test('a folder that is there already is as good as a new one; a use that is taken is left out', async () => {
  await using server = await startServer({
    capabilities: `${usual} CREATE-SPECIAL-USE`,
    on: by({
      'LIST "" ""': ['* LIST (\\Noselect) "/" ""'],
      'LIST "" "There"': ['* LIST () "/" There'],
      'CREATE "There"': ['TAG NO [CANNOT] Mailbox already exists'],
      'CREATE "Sent" (USE (\\Sent))': ['TAG NO [USEATTR] taken'],
      'CREATE "Files"': ['TAG NO Folder name is reserved'],
    }),
  })
  const mailbox = await server.open()
  assert.equal((await mailbox.create(['There'], { subscribe: false })).id, 'There')
  assert.equal((await mailbox.create(['Sent'], { subscribe: false, use: 'sent' })).id, 'Sent')
  assert.equal(server.commands.at(-1), 'CREATE "Sent"')
  assert.equal((await mailbox.create(['INBOX'], { subscribe: true })).id, 'INBOX')
  assert.equal(server.commands.at(-1), 'SUBSCRIBE "INBOX"')
  assert.equal((await troubleIn(() => mailbox.create(['Files'], { subscribe: true }))).kind, 'refused')
})

test('states that came with the folders are not told after something was appended', async () => {
  const list = ['* LIST () "/" INBOX', '* STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)']
  await using server = await startServer({
    capabilities: `${extended} LITERAL+`,
    on: by({
      NAMESPACE: ['* NAMESPACE (("" "/")) NIL NIL'],
      LIST: list,
      STATUS: ['* STATUS INBOX (MESSAGES 4 UIDNEXT 10 UIDVALIDITY 7)'],
    }),
  })
  const mailbox = await server.open()
  const folders = await mailbox.folders()
  await mailbox.append(inbox, { flags: [], internalDate: '', content: Buffer.from('x') })
  assert.equal((await mailbox.states(folders)).get('INBOX')?.messages, 4)
})

test('what a name holds never becomes a command', async () => {
  await using server = await startServer()
  const mailbox = await server.open()
  await mailbox.subscribe({ ...inbox, id: 'x"\r\nA1 DELETE "INBOX' })
  assert.equal(server.commands.at(-1), 'SUBSCRIBE {20+}\r\nx"\r\nA1 DELETE "INBOX')
})

test('IDLE ends with news, with the signal, and for a command that waits', async () => {
  const idle: NonNullable<Script['on']> = ({ command, tag, say }) => {
    if (command === 'IDLE') {
      waitingTag = tag
      say('+ idling')
      if (idles++ === 0) say('* 4 EXISTS')
      return true
    }
    if (tag !== '' || command !== 'DONE') return false
    say(`${waitingTag} OK done`)
    return true
  }
  let [waitingTag, idles] = ['', 0]
  await using server = await startServer({ on: idle })
  const mailbox = await server.open()
  const never = new AbortController().signal
  await mailbox.idle?.(inbox, never)
  assert.equal(server.commands.at(-1), 'DONE')
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 20)
  await mailbox.idle?.(inbox, stop.signal)
  const waiting = mailbox.idle?.(inbox, never)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await Promise.all([waiting, mailbox.subscribe(inbox)])
  assert.equal(idles, 3)
})

test('IDLE is renewed', async () => {
  let [waitingTag, idles] = ['', 0]
  await using server = await startServer({
    on: ({ command, tag, say }) => {
      if (command === 'IDLE') {
        waitingTag = tag
        say('+ idling')
        if (++idles === 3) say('* 1 EXPUNGE')
      } else if (command === 'DONE') say(`${waitingTag} OK done`)
      else return false
      return true
    },
  })
  const mailbox = await server.open({ patience: { restMs: 30 } })
  await mailbox.idle?.(inbox, new AbortController().signal)
  assert.equal(idles, 3)
})

test('a connection at rest says now and then that it is there', async () => {
  await using server = await startServer()
  const mailbox = await server.open({ patience: { restMs: 40 } })
  while (!server.commands.includes('NOOP')) await new Promise((resolve) => setTimeout(resolve, 10))
  await mailbox.close()
  assert.equal(server.commands.at(-1), 'LOGOUT')
  await mailbox.close()
  assert.equal((await troubleIn(() => mailbox.folders())).kind, 'stopped')
})

test('the whole dialogue byte by byte', async () => {
  await using server = await startServer({ isSlow: true, on: by({ 'UID SEARCH': ['* SEARCH 1 2'] }) })
  const mailbox = await server.open()
  assert.deepEqual(await (await mailbox.open(inbox, { readOnly: true })).uids(), [1, 2])
})
