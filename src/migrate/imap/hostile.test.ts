import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxTrouble, OpenFolder } from '../mailbox/mailbox.ts'
import { all, inbox, type Script, type Server, startServer, type Talk, troubleIn } from './for-tests.ts'

type Case = {
  readonly name: string
  readonly kind: MailboxTrouble['kind']
  /** What is said instead of an answer to the command that matches. */
  readonly to: RegExp
  readonly say: (talk: Talk) => void
  readonly work: (server: Server) => Promise<unknown>
}

const folders = async (server: Server): Promise<unknown> => (await server.open()).folders()
const opened = async (server: Server): Promise<OpenFolder> => (await server.open()).open(inbox, { readOnly: true })
const list = async (server: Server): Promise<unknown> => all((await opened(server)).list())
const uids = async (server: Server): Promise<unknown> => (await opened(server)).uids()
const fetch = async (server: Server): Promise<unknown> => all((await opened(server)).fetch([5]))
const heading = async (server: Server): Promise<unknown> => all((await opened(server)).headings([5]))

const entry = (uid: number | string): string =>
  `* 1 FETCH (UID ${uid} FLAGS () INTERNALDATE " 1-Jan-0000 00:00:00 +0000" RFC822.SIZE 5)`
const raw = (bytes: string) => (talk: Talk) => talk.raw(bytes)
const flood = (line: string, count: number) => (talk: Talk) => talk.raw(`${line}\r\n`.repeat(count))

const states = async (server: Server): Promise<unknown> =>
  (await server.open({ limits: { maxMessages: 1000 } })).states([inbox])

const cases: readonly Case[] = [
  {
    name: 'no end of answers',
    kind: 'hostile',
    to: /STATUS/,
    say: flood('* STATUS INBOX (MESSAGES 1)', 3000),
    work: states,
  },
  {
    name: 'a literal of four gigabytes',
    kind: 'hostile',
    to: /BODY/,
    say: raw('* 1 FETCH (BODY[] {4000000000}\r\n'),
    work: fetch,
  },
  { name: 'a literal of -1', kind: 'hostile', to: /BODY/, say: raw('* 1 FETCH (UID 5 BODY[] {-1}\r\n'), work: fetch },
  {
    name: 'a literal of twenty digits',
    kind: 'hostile',
    to: /BODY/,
    say: raw('* 1 FETCH (BODY[] {99999999999999999999}\r\n'),
    work: fetch,
  },
  {
    name: 'an endless line',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: (talk) => talk.raw('x'.repeat(2_000_000)),
    work: folders,
  },
  {
    name: 'an endless line of quotes',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: (talk) => talk.raw(`* LIST () "/" "${'\\"'.repeat(600_000)}`),
    work: folders,
  },
  {
    name: 'parentheses 200,000 deep',
    kind: 'hostile',
    to: /UID FETCH/,
    say: (talk) => talk.raw(`* 1 FETCH (X ${'('.repeat(200_000)}\r\n`),
    work: list,
  },
  {
    name: 'parentheses 200,000 deep in LIST',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: (talk) => talk.raw(`* LIST ${'('.repeat(200_000)}\r\n`),
    work: folders,
  },
  { name: 'four billion messages', kind: 'hostile', to: /EXAMINE/, say: raw('* 4294967295 EXISTS\r\n'), work: opened },
  {
    name: 'message number 0',
    kind: 'hostile',
    to: /UID FETCH/,
    say: raw('* 0 FETCH (UID 5 FLAGS ())\r\n'),
    work: list,
  },
  { name: 'UID 0', kind: 'hostile', to: /UID FETCH/, say: raw(`${entry(0)}\r\n`), work: list },
  { name: 'a UID twice', kind: 'hostile', to: /UID FETCH/, say: (talk) => talk.say(entry(5), entry(5)), work: list },
  { name: 'UIDs that fall', kind: 'hostile', to: /UID FETCH/, say: (talk) => talk.say(entry(5), entry(4)), work: list },
  {
    name: 'more messages than there are',
    kind: 'hostile',
    to: /UID FETCH/,
    say: (talk) => talk.say(...Array.from({ length: 20_000 }, (_, i) => entry(i + 1))),
    work: list,
  },
  { name: 'a UID that is none', kind: 'hostile', to: /UID FETCH/, say: raw(`${entry('x')}\r\n`), work: list },
  { name: 'no end of a FETCH', kind: 'hostile', to: /UID FETCH/, say: raw('* 1 FETCH (UID 5 FLAGS (\r\n'), work: list },
  {
    name: 'a list for a content',
    kind: 'hostile',
    to: /BODY/,
    say: raw('* 1 FETCH (UID 5 BODY[] (a b))\r\n'),
    work: fetch,
  },
  {
    name: 'a set of four billion',
    kind: 'hostile',
    to: /UID SEARCH/,
    say: raw('* ESEARCH (TAG "a3") UID ALL 1:4294967295\r\n'),
    work: uids,
  },
  { name: 'a search that finds words', kind: 'hostile', to: /UID SEARCH/, say: raw('* SEARCH 1 2 x\r\n'), work: uids },
  {
    name: 'more found than there is',
    kind: 'hostile',
    to: /UID SEARCH/,
    say: raw(`* SEARCH ${'7 '.repeat(20_000)}\r\n`),
    work: uids,
  },
  {
    name: 'a million capabilities',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: flood('* CAPABILITY IMAP4rev1 X', 1_000_000),
    work: folders,
  },
  { name: 'no end of OK', kind: 'hostile', to: /LIST .. .\*/, say: flood('* OK still here', 200_000), work: folders },
  {
    name: 'a folder with NUL in its name',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: raw('* LIST () "/" "a\0b"\r\n'),
    work: folders,
  },
  {
    name: 'a name that is a list',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: raw('* LIST () "/" (a)\r\n'),
    work: folders,
  },
  {
    name: 'a delimiter of two characters',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: raw('* LIST () "//" a\r\n'),
    work: folders,
  },
  {
    name: 'a line of LIST that ends too soon',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: raw('* LIST () "/"\r\n'),
    work: folders,
  },
  {
    name: 'what is not IMAP',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: raw('HTTP/1.1 400 Bad Request\r\n'),
    work: folders,
  },
  {
    name: 'an answer to what was not asked',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: raw('zz OK done\r\n'),
    work: folders,
  },
  {
    name: 'a continuation that nothing waits for',
    kind: 'hostile',
    to: /LIST .. .\*/,
    say: raw('+ go on\r\n'),
    work: folders,
  },
  {
    name: 'a header that does not end',
    kind: 'unreachable',
    to: /HEADER/,
    say: hangUpIn('* 1 FETCH (UID 5 BODY[HEADER.FIELDS (DATE)] {50}\r\nabc'),
    work: heading,
  },
  { name: 'BYE in the middle', kind: 'unreachable', to: /BODY/, say: raw('* BYE see you\r\n'), work: fetch },
  {
    name: 'BYE within a literal, and the end',
    kind: 'unreachable',
    to: /BODY/,
    say: hangUpIn('* 1 FETCH (UID 5 BODY[] {500}\r\nabc* BYE\r\n'),
    work: fetch,
  },
  {
    name: 'the end without a word',
    kind: 'unreachable',
    to: /LIST .. .\*/,
    say: (talk) => talk.hangUp(),
    work: folders,
  },
  {
    name: 'nothing at all',
    kind: 'stalled',
    to: /LIST .. .\*/,
    say: () => {},
    work: async (server) => (await server.open({ patience: { silentMs: 100 } })).folders(),
  },
  {
    name: 'a literal that stops coming',
    kind: 'stalled',
    to: /BODY/,
    say: raw('* 1 FETCH (UID 5 BODY[] {500}\r\nabc'),
    work: async (server) =>
      all((await (await server.open({ patience: { silentMs: 100 } })).open(inbox, { readOnly: true })).fetch([5])),
  },
  {
    name: 'talk without an answer',
    kind: 'stalled',
    to: /LIST .. .\*/,
    say: chatter,
    work: async (server) => (await server.open({ patience: { silentMs: 2000, commandMs: 300 } })).folders(),
  },
]

function hangUpIn(bytes: string): (talk: Talk) => void {
  return (talk) => {
    talk.raw(bytes)
    talk.hangUp()
  }
}

function chatter(talk: Talk): void {
  setInterval(() => talk.say('* OK Still here'), 20).unref()
}

for (const { name, kind, to, say, work } of cases) {
  test(`${name}: ${kind}`, async () => {
    const begun = process.memoryUsage().rss
    await using server = await startServer({ on: answering(to, say) })
    const trouble = await troubleIn(() => work(server))
    assert.equal(trouble.kind, kind, trouble.message)
    assert.ok(process.memoryUsage().rss - begun < 300e6)
  })
}

/** Sizes are asked for first; those are true. */
function answering(to: RegExp, say: (talk: Talk) => void): Script['on'] {
  return (talk) => {
    if (/^UID FETCH \S+ \(UID RFC822\.SIZE\)$/.test(talk.command)) talk.say('* 1 FETCH (UID 5 RFC822.SIZE 5)')
    else if (to.test(talk.command)) {
      say(talk)
      return true
    }
    return false
  }
}

test('dates, flags and names that are strange but harm nobody are passed on', async () => {
  const names = ['"../../etc/x"', '{4}\r\na\r\nb', '"&AGE"', '"INBOX/inbox"', `"${'n'.repeat(65_536)}"`, '"a {3}"']
  await using server = await startServer({
    on: ({ command, say, ok }) => {
      if (command.startsWith('LIST "" "*"'))
        say(...names.map((name) => `* LIST () "/" ${name}`), '* LIST () NIL "x/y"', '* LIST () "\\\\" "p\\\\q"')
      else if (command.startsWith('UID FETCH'))
        say(
          '* 1 FETCH (UID 4 FLAGS (a] b{3 \\Seen) INTERNALDATE " 1-Jan-0000 00:00:00 +0000" RFC822.SIZE 1)',
          '* 2 EXISTS',
        )
      else return false
      ok()
      return true
    },
  })
  const mailbox = await server.open()
  const paths = (await mailbox.folders()).map(({ path }) => path)
  assert.deepEqual(paths, [
    ['..', '..', 'etc', 'x'],
    ['a\ufffd\ufffdb'],
    ['&AGE'],
    ['INBOX', 'inbox'],
    ['n'.repeat(65_536)],
    ['a {3}'],
    ['x/y'],
    ['p', 'q'],
  ])
  const folder = await mailbox.open(inbox, { readOnly: true })
  const [[first] = []] = await all(folder.list())
  assert.deepEqual(first, { uid: 4, flags: ['a]', '\\Seen'], internalDate: ' 1-Jan-0000 00:00:00 +0000', size: 1 })
})
