import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Content, Fetched, OpenFolder } from '../mailbox/mailbox.ts'
import { all, inbox, type Script, type Server, startServer, type Talk, troubleIn } from './for-tests.ts'

const limits = { wholeBytes: 100, pieceBytes: 40, maxKeptBytes: 400, windowBytes: 300 }

type Message = { readonly body: string /** What RFC822.SIZE says. */; readonly told?: number }

/** Serves messages by UID; `refuse` answers a command itself. */
function serving(messages: Readonly<Record<number, Message>>, refuse: (talk: Talk) => boolean = () => false): Script {
  return {
    on(talk) {
      const found = /^UID FETCH (\S+) \((.*)\)$/.exec(talk.command)
      if (found === null) return false
      if (refuse(talk)) return true
      for (const uid of expand(found[1] ?? '')) {
        const message = messages[uid]
        if (message !== undefined) talk.raw(`* ${uid} FETCH (${items(uid, message, found[2] ?? '')})\r\n`)
      }
      talk.ok()
      return true
    },
  }
}

function expand(set: string): number[] {
  return set.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split(':').map((n) => (n === '*' ? 1000 : Number(n)))
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

function items(uid: number, { body, told = body.length }: Message, asked: string): string {
  const partial = /BODY\.PEEK\[\]<(\d+)\.(\d+)>/.exec(asked)
  const from = Number(partial?.[1] ?? 0)
  const bytes = partial === null ? body : body.slice(from, from + Number(partial[2]))
  const section = asked.includes('BODY')
    ? ` BODY[]${partial === null ? '' : `<${from}>`} {${bytes.length}}\r\n${bytes}`
    : ''
  const rest = asked.includes('FLAGS') ? ' FLAGS (\\Seen) INTERNALDATE "17-Jul-2026 02:44:25 -0700"' : ''
  return `UID ${uid}${rest} RFC822.SIZE ${told}${section}`
}

async function open(server: Server): Promise<OpenFolder> {
  return (await server.open({ limits })).open(inbox, { readOnly: true })
}

async function text(content: Content): Promise<string> {
  if (Buffer.isBuffer(content)) return content.toString('latin1')
  return Buffer.concat(await all(content.read())).toString('latin1')
}

const uidsOf = (fetched: readonly Fetched[]): number[] => fetched.map(({ uid }) => uid)
const long = 'abcdefghij'.repeat(25)

test('small ones together, large ones in pieces, vanished ones not at all', async () => {
  await using server = await startServer(serving({ 1: { body: 'one\r\n' }, 2: { body: long }, 4: { body: '' } }))
  const folder = await open(server)
  const fetched = await all(folder.fetch([1, 2, 3, 4]))
  assert.deepEqual(
    uidsOf(fetched).sort((a, b) => a - b),
    [1, 2, 4],
  )
  for (const { uid, content } of fetched) {
    const expected = { 1: 'one\r\n', 2: long, 4: '' }[uid]
    assert.equal(await text(content), expected)
    assert.equal(await text(content), expected, 'and once more')
    assert.equal(Buffer.isBuffer(content), uid !== 2)
  }
  assert.deepEqual(fetched[0], {
    uid: 1,
    flags: ['\\Seen'],
    internalDate: '17-Jul-2026 02:44:25 -0700',
    size: 5,
    content: Buffer.from('one\r\n'),
  })
})

test('after a listing no sizes are asked for', async () => {
  await using server = await startServer(serving({ 1: { body: 'one' }, 2: { body: 'two' } }))
  const folder = await open(server)
  await all(folder.list())
  await all(folder.fetch([1, 2]))
  assert.deepEqual(server.commands.slice(-1), ['UID FETCH 1:2 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])'])
  assert.equal(server.commands.filter((command) => command.startsWith('UID FETCH')).length, 2)
})

for (const told of [101, 120, 249, 251, 300, 5000, 250]) {
  test(`a message of 250 bytes that is said to have ${told}`, async () => {
    await using server = await startServer(serving({ 7: { body: long, told } }))
    const [fetched] = await all((await open(server)).fetch([7]))
    assert.ok(fetched !== undefined && !Buffer.isBuffer(fetched.content))
    assert.equal(fetched.content.size, 250)
    assert.equal(await text(fetched.content), long)
  })
}

test('a message that is said to be small and is too large to keep is read in pieces', async () => {
  const body = 'x'.repeat(1000)
  await using server = await startServer(serving({ 7: { body, told: 10 } }))
  const [fetched] = await all((await open(server)).fetch([7]))
  assert.ok(fetched !== undefined && !Buffer.isBuffer(fetched.content))
  assert.equal(fetched.content.size, 1000)
  assert.equal(await text(fetched.content), body)
})

test('a message that is far larger than it was said to be is not kept in the window', async () => {
  const body = 'x'.repeat(70_000)
  await using server = await startServer(serving({ 7: { body, told: 10 } }))
  const mailbox = await server.open({ limits: { pieceBytes: 40_000 } })
  const [fetched] = await all((await mailbox.open(inbox, { readOnly: true })).fetch([7]))
  assert.ok(fetched !== undefined && !Buffer.isBuffer(fetched.content))
  assert.equal(await text(fetched.content), body)
})

test('one that vanishes, shrinks or is refused while it is read', async () => {
  const cases = [
    [() => '', 'changed'],
    [
      (talk: Talk) => `* 7 FETCH (UID 7 FLAGS () INTERNALDATE "" RFC822.SIZE 250 BODY[]${origin(talk)} {3}\r\nabc)\r\n`,
      'hostile',
    ],
    [
      (talk: Talk) =>
        `* 7 FETCH (UID 7 FLAGS () INTERNALDATE "" RFC822.SIZE 250 BODY[]${origin(talk)} {60}\r\n${'x'.repeat(60)})\r\n`,
      'hostile',
    ],
  ] as const
  for (const [answer, kind] of cases) {
    await using server = await startServer(
      serving({ 7: { body: long } }, (talk) => {
        if (!/<80\./.test(talk.command)) return false
        talk.raw(answer(talk))
        talk.ok()
        return true
      }),
    )
    const [fetched] = await all((await open(server)).fetch([7]))
    assert.ok(fetched !== undefined)
    assert.equal((await troubleIn(() => text(fetched.content))).kind, kind)
  }
})

function origin({ command }: Talk): string {
  return `<${/<(\d+)\./.exec(command)?.[1]}>`
}

test('one bad message does not hide its neighbours; asked for alone it says why', async () => {
  const messages = { 1: { body: 'a' }, 2: { body: 'b' }, 3: { body: 'c' } }
  const refuse = (talk: Talk): boolean => {
    if (!/^UID FETCH (?:\S*2|1:3) .*BODY/.test(talk.command)) return false
    talk.say(`${talk.tag} NO message is damaged`)
    return true
  }
  await using server = await startServer(serving(messages, refuse))
  const folder = await open(server)
  assert.deepEqual(uidsOf(await all(folder.fetch([1, 2, 3]))), [1, 3])
  const trouble = await troubleIn(() => all(folder.fetch([2])))
  assert.deepEqual([trouble.kind, trouble.words], ['refused', 'message is damaged'])
})

test('what vanished while it was asked for is no trouble', async () => {
  const refuse = (talk: Talk): boolean => {
    if (!talk.command.includes('BODY')) return false
    if (talk.command.includes('1:2'))
      talk.raw('* 1 FETCH (UID 1 FLAGS () INTERNALDATE "" RFC822.SIZE 1 BODY[] {1}\r\na)\r\n')
    talk.say(`${talk.tag} NO [EXPUNGEISSUED] Some of the requested messages no longer exist.`)
    return true
  }
  await using server = await startServer(serving({ 1: { body: 'a' }, 2: { body: 'b' } }, refuse))
  const folder = await open(server)
  assert.deepEqual(uidsOf(await all(folder.fetch([1, 2]))), [1])
  assert.deepEqual(await all(folder.fetch([2])), [])
})

test('a message without a content is left out, and alone it is refused', async () => {
  await using server = await startServer(
    serving({ 1: { body: 'a' } }, (talk) => {
      if (!talk.command.includes('BODY')) return false
      talk.say('* 1 FETCH (UID 1 FLAGS () INTERNALDATE "" RFC822.SIZE 1 BODY[] NIL)', `${talk.tag} OK`)
      return true
    }),
  )
  const folder = await open(server)
  assert.deepEqual(await all(folder.fetch([1, 2])), [])
  assert.equal((await troubleIn(() => all(folder.fetch([1])))).kind, 'refused')
})

test('one message told in several responses', async () => {
  await using server = await startServer(
    serving({ 1: { body: 'a' } }, (talk) => {
      if (!talk.command.includes('BODY')) return false
      talk.say(
        '* 1 FETCH (UID 1 BODY[] {1}',
        'a)',
        '* 1 FETCH (FLAGS (\\Seen) UID 1)',
        '* 1 FETCH (UID 1 INTERNALDATE "x" RFC822.SIZE 1)',
        `${talk.tag} OK`,
      )
      return true
    }),
  )
  const [fetched] = await all((await open(server)).fetch([1]))
  assert.deepEqual(fetched, { uid: 1, flags: ['\\Seen'], internalDate: 'x', size: 1, content: Buffer.from('a') })
})

test('what nobody asked for, or asked for once, is not given', async () => {
  await using server = await startServer(
    serving({ 1: { body: 'a' } }, (talk) => {
      if (!talk.command.includes('BODY')) return false
      const entry = (uid: number) => `* ${uid} FETCH (UID ${uid} FLAGS () INTERNALDATE "" RFC822.SIZE 1 BODY[] {1}`
      talk.say(
        entry(1),
        'a)',
        entry(1),
        'b)',
        entry(9),
        'c)',
        '* 1 EXPUNGE',
        '* 1 FETCH (FLAGS (\\Seen))',
        `${talk.tag} OK`,
      )
      return true
    }),
  )
  const fetched = await all((await open(server)).fetch([1]))
  assert.deepEqual(
    fetched.map(({ content }) => Buffer.isBuffer(content) && content.toString()),
    ['a'],
  )
})

test('no more is asked for than the taker takes, and other commands go through', async () => {
  const messages = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [i + 1, { body: 'y'.repeat(90) }]))
  await using server = await startServer(serving(messages))
  const mailbox = await server.open({ limits: { ...limits, windowBytes: 1000, wholeBytes: 80, pieceBytes: 50 } })
  const folder = await mailbox.open(inbox, { readOnly: false })
  const uids = Array.from({ length: 60 }, (_, i) => i + 1)
  let taken = 0
  for await (const { uid } of folder.fetch(uids)) {
    taken += 1
    await folder.setFlags([uid], ['\\Seen'], 'add')
    const asked = server.commands.filter((command) => command.includes('BODY.PEEK')).length
    assert.ok(asked - taken <= 12, `${asked} asked for, ${taken} taken`)
  }
  assert.equal(taken, 60)
})

test('a taker who goes away leaves a connection that works', async () => {
  const messages = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [i + 1, { body: 'z'.repeat(50) }]))
  await using server = await startServer(serving(messages))
  const folder = await open(server)
  for await (const { uid } of folder.fetch(Object.keys(messages).map(Number))) if (uid === 3) break
  for await (const group of folder.list()) if (group.length > 0) break
  assert.equal((await all(folder.fetch([5]))).length, 1)
})
