import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { issue, makeCa } from '../../../test/support/certificates.ts'
import { type Script, startServer, type Talk, troubleIn } from './for-tests.ts'
import type { Login } from './imap.ts'

const ca = makeCa({ name: 'Root of the mail servers' })
const { chain, key } = issue({ ca, names: ['localhost'] })
const tls = createSecureContext({ cert: chain, key })

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')
const token: Login = { kind: 'token', user: 'ann@x.example', token: async () => 'tok-en' }
const authenticates = /^(?:LOGIN|AUTHENTICATE) /

function refusing(answer: string): Script {
  return {
    on(talk: Talk) {
      if (!authenticates.test(talk.command)) return false
      talk.raw(`${answer.replace('TAG', talk.tag)}\r\n`)
      return true
    },
  }
}

test('LOGIN, what is not plain as a literal', async () => {
  await using server = await startServer({ capabilities: 'IMAP4rev1' })
  await server.open({ login: { kind: 'password', user: 'a"\\b', password: 'pä\r\nA1 DELETE x' } })
  assert.deepEqual(server.commands, ['LOGIN "a\\"\\\\b" {16}\r\np\u00c3\u00a4\r\nA1 DELETE x'])
})

test('PLAIN where it is offered, in the command with SASL-IR, with the name of a master user', async () => {
  await using server = await startServer({ before: 'IMAP4rev1 AUTH=PLAIN SASL-IR' })
  await server.open({ login: { kind: 'password', user: 'admin', password: 'pä', authzid: 'ann' } })
  assert.deepEqual(server.commands, [`AUTHENTICATE PLAIN ${base64('ann\0admin\0pä')}`])
})

test('PLAIN without SASL-IR waits to be asked', async () => {
  await using server = await startServer({
    before: 'IMAP4rev1 AUTH=PLAIN',
    on: (talk) => waiting(talk, base64('\0ann\0secret-word')),
  })
  await server.open()
  assert.deepEqual(server.commands.slice(0, 2), ['AUTHENTICATE PLAIN', base64('\0ann\0secret-word')])
})

let asked = ''
function waiting(talk: Talk, message: string): boolean {
  if (talk.command.startsWith('AUTHENTICATE')) {
    asked = talk.tag
    talk.say('+ ')
    return true
  }
  if (talk.command !== message && talk.tag !== message) return false
  talk.say(`${asked} OK in`)
  return true
}

test('a master user needs PLAIN', async () => {
  await using server = await startServer()
  const login: Login = { kind: 'password', user: 'admin', password: 'p', authzid: 'ann' }
  assert.equal((await troubleIn(() => server.open({ login }))).kind, 'unsupported')
})

test('LOGINDISABLED is honoured: the password is not sent', async () => {
  await using server = await startServer({ before: 'IMAP4rev1 STARTTLS LOGINDISABLED' })
  assert.equal((await troubleIn(() => server.open())).kind, 'tls')
  assert.deepEqual(server.commands, [])
})

test('XOAUTH2 and OAUTHBEARER, with a token for each connection', async () => {
  await using server = await startServer({ before: 'IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER' })
  let count = 0
  const fresh: Login = { ...token, token: async () => `tok-${++count}` }
  await server.open({ login: fresh })
  await server.open({ login: { ...fresh, user: 'a=,b', mechanism: 'OAUTHBEARER' } })
  assert.deepEqual(server.commands, [
    `AUTHENTICATE XOAUTH2 ${base64('user=ann@x.example\x01auth=Bearer tok-1\x01\x01')}`,
    `AUTHENTICATE OAUTHBEARER ${base64(`n,a=a=3D=2Cb,\x01host=127.0.0.1\x01port=${server.port}\x01auth=Bearer tok-2\x01\x01`)}`,
  ])
})

test('the error challenge of OAUTHBEARER is answered with ^A, and then the refusal comes', async () => {
  await using server = await startServer({
    before: 'IMAP4rev1 SASL-IR AUTH=OAUTHBEARER',
    on(talk) {
      if (talk.command.startsWith('AUTHENTICATE')) {
        asked = talk.tag
        talk.say(`+ ${base64('{"status":"invalid_token"}')}`)
      } else talk.say(`${asked} NO [AUTHENTICATIONFAILED] no`)
      return true
    },
  })
  assert.equal((await troubleIn(() => server.open({ login: token }))).kind, 'login')
  assert.equal(server.commands[1], 'AQ==')
})

test('a token that cannot be had', async () => {
  await using server = await startServer()
  const login: Login = { ...token, token: () => Promise.reject(new Error('AADSTS700016: no such application')) }
  const trouble = await troubleIn(() => server.open({ login }))
  assert.equal(trouble.kind, 'login')
  assert.match(trouble.message, /AADSTS700016/)
})

const refusals: readonly (readonly [answer: string, kind: string])[] = [
  ['TAG NO [AUTHENTICATIONFAILED] Authentication failed.', 'login'],
  ['TAG NO LOGIN failed.', 'login'],
  ['TAG NO AUTHENTICATE failed.', 'login'],
  ['TAG BAD User is authenticated but not connected.', 'noMailbox'],
  ['TAG NO [NOPERM] IMAP is not for you', 'noMailbox'],
  ['TAG NO [ALERT] IMAP access is disabled for your domain', 'noMailbox'],
  ['TAG NO [UNAVAILABLE] Temporary authentication failure.', 'busy'],
  ['TAG NO [INUSE] locked', 'busy'],
  ['TAG NO [LIMIT] 10 connections are enough', 'busy'],
  ['TAG NO [ALERT] Too many simultaneous connections. (Failure)', 'busy'],
  ['TAG NO [PRIVACYREQUIRED] not in the clear', 'tls'],
  ['TAG BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds', 'throttled'],
  ['* BYE Too many connections from your address', 'busy'],
  ['* BYE Connection closed', 'busy'],
  ['TAG NO', 'login'],
]

for (const [answer, kind] of refusals) {
  test(`${answer}: ${kind}`, async () => {
    await using server = await startServer(refusing(answer))
    const trouble = await troubleIn(() => server.open())
    assert.equal(trouble.kind, kind)
    assert.equal(trouble.waitMs, kind === 'throttled' ? 299_961 : undefined)
  })
}

test('what a server repeats of a password is not shown, in none of its forms', async () => {
  for (const echo of ['secret-word', base64('secret-word'), base64('\0ann\0secret-word')]) {
    await using server = await startServer({
      ...refusing(`TAG NO [X ${echo}] bad \x07 ${echo}!`),
      before: 'IMAP4rev1 AUTH=PLAIN SASL-IR',
    })
    const trouble = await troubleIn(() => server.open())
    assert.equal(trouble.words, '[X ***] bad \\x07 ***!')
    assert.doesNotMatch(JSON.stringify(trouble) + trouble.message + trouble.stack, /secret-word/)
  }
})

test('greetings that let nobody in', async () => {
  const greetings = [
    ['* PREAUTH come in', 'unsupported'],
    ['* BYE Server Unavailable.', 'busy'],
    ['220 mail.example ESMTP', 'unsupported'],
    ['* NO', 'unsupported'],
  ] as const
  for (const [greeting, kind] of greetings) {
    await using server = await startServer({ greeting })
    assert.equal((await troubleIn(() => server.open())).kind, kind, greeting)
    assert.deepEqual(server.commands, [])
  }
})

test('a server that is not there, and one that says nothing', async () => {
  let port = 0
  {
    await using server = await startServer({ greeting: '* O' })
    port = server.port
    const trouble = await troubleIn(() => server.open({ patience: { greetingMs: 50 } }))
    assert.equal(trouble.kind, 'unsupported')
  }
  await using other = await startServer()
  assert.equal(
    (await troubleIn(() => other.open({ endpoint: { host: '127.0.0.1', port, security: 'none' } }))).kind,
    'unreachable',
  )
})

test('STARTTLS: capabilities are asked again, and only what was said under TLS counts', async () => {
  await using server = await startServer({
    tls,
    before: 'IMAP4rev1 STARTTLS LOGINDISABLED',
    on(talk) {
      if (talk.command === 'STARTTLS') {
        // Put there by somebody in between, in the same packet: answers to what would be asked next.
        talk.raw(`${talk.tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=EVIL\r\na3 OK\r\na4 NO\r\n`)
        talk.startTls()
      } else if (talk.command === 'CAPABILITY') {
        talk.say('* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR', `${talk.tag} OK`)
      } else return false
      return true
    },
  })
  const mailbox = await server.open({ endpoint: secure(server.port, 'starttls') })
  assert.deepEqual(server.commands, ['STARTTLS', 'CAPABILITY', `AUTHENTICATE PLAIN ${base64('\0ann\0secret-word')}`])
  assert.ok(!mailbox.traits.capabilities.has('AUTH=EVIL'))
})

const secure = (port: number, security: 'tls' | 'starttls') =>
  ({ host: '127.0.0.1', port, security, ca: ca.cert, servername: 'localhost' }) as const

test('STARTTLS that is not offered, refused, or answered before it was asked: no password is sent', async () => {
  const scripts: readonly (readonly [Script, string])[] = [
    [{ before: 'IMAP4rev1' }, 'tls'],
    [{ before: 'IMAP4rev1 STARTTLS', on: ({ tag, say }) => (say(`${tag} NO not today`), true) }, 'tls'],
    [{ greeting: '* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\na1 OK go on in the clear' }, 'hostile'],
    [{ greeting: '* PREAUTH [CAPABILITY IMAP4rev1] hi' }, 'unsupported'],
  ]
  for (const [script, kind] of scripts) {
    await using server = await startServer(script)
    const trouble = await troubleIn(() => server.open({ endpoint: secure(server.port, 'starttls') }))
    assert.equal(trouble.kind, kind, trouble.message)
    assert.ok(!server.commands.some((command) => authenticates.test(command)))
  }
})

test('TLS from the first byte; a certificate must fit unless told otherwise', async () => {
  await using server = await startServer({ tls, isTls: true })
  const right = secure(server.port, 'tls')
  await (await server.open({ endpoint: right })).close()
  const { ca: _, ...stranger } = right
  const wrong = { ...right, servername: 'other.example' }
  for (const endpoint of [stranger, wrong]) {
    assert.equal((await troubleIn(() => server.open({ endpoint }))).kind, 'tls')
    await (await server.open({ endpoint: { ...endpoint, allowUntrusted: true } })).close()
  }
})

test('the signal ends it, at whatever step', async () => {
  for (const when of ['before', 'greeting', 'login', 'later'] as const) {
    const stop = new AbortController()
    await using server = await startServer({
      ...(when === 'greeting' ? { greeting: '* O'.slice(0, 1) } : {}),
      on: ({ command }) => (when === 'login' && authenticates.test(command)) || command.startsWith('LIST'),
    })
    if (when === 'before') stop.abort()
    else setTimeout(() => stop.abort(), 30)
    const trouble = await troubleIn(async () => (await server.open({ signal: stop.signal })).folders())
    if (when !== 'greeting') assert.equal(trouble.kind, 'stopped', when)
  }
})
