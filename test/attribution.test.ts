/**
 * Whose connection is it? Against the running gateway, by everything that another customer of Microsoft, a stranger with a certificate, or a
 * tenant with a broken one could show. Who is not believed may not relay, and nothing of the proof goes on with the mail.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { type Issued, type IssueOptions, issue, makeCa } from './support/certificates.ts'
import { type Gateway, startGateway } from './support/gateway.ts'
import { asAuthority, makeCertificate } from './support/openssl.ts'
import { type Peer, startPeer } from './support/scripted-smtp.ts'
import { Client } from './support/smtp-client.ts'

const dir = mkdtempSync(join(tmpdir(), 'attribution-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const root = makeCa({ name: 'Authority' })
const middle = makeCa({ name: 'Between', parent: root })
const impostor = makeCa({ name: 'Authority' })
const microsoftRoot = makeCa({ name: 'DigiCert, as it were' })
makeCertificate(dir, 'rsa', { subject: '/CN=RSA authority', key: 'rsa:2048', extensions: asAuthority })

const id = '00000000-1111-2222-3333-444444444444'
const secret = 'only-fabrikam-knows-this-0815'
let gateway: Gateway
let hop: Peer

before(async () => {
  hop = await startPeer()
  const write = (name: string, content: string) => writeFileSync(join(dir, name), content)
  write('ca.pem', root.cert + readFileSync(join(dir, 'rsa.crt'), 'latin1'))
  write('microsoft.pem', microsoftRoot.cert)
  write('fabrikam.key', secret)
  const own = issue({ ca: root, names: ['gw.example.net'] })
  write('gw.crt', own.cert)
  write('gw.key', own.key)
  const to = `to: { host: 127.0.0.1, port: ${hop.port}, tls: none }`
  const microsoft = 'certificate: [mail.protection.outlook.com], ca: microsoft.pem'
  write(
    'project.yaml',
    `name: attribution
gateway: { hostname: gw.example.net, tls: { cert: gw.crt, key: gw.key } }
tenants:
  - name: contoso
    kind: exchange-online
    domains: [contoso.example]
    from: { ${microsoft}, serverName: t1.gw.example.net, organisation: ${id} }
    ${to}
  - name: fabrikam
    kind: exchange-online
    domains: [fabrikam.example]
    from: { ${microsoft}, serverName: t2.gw.example.net, secret: { header: X-Fabrikam, valueFile: fabrikam.key } }
    ${to}
  - name: server
    kind: smtp
    domains: [server.example]
    from: { certificate: [mx.server.example], ca: ca.pem, serverName: t3.gw.example.net }
    ${to}
`,
  )
  gateway = await startGateway({ data: join(dir, 'data'), project: join(dir, 'project.yaml') })
})
after(async () => {
  await gateway.stop()
  await hop.close()
})

type Show = { readonly tls?: ConnectionOptions; readonly from: string; readonly fields?: readonly string[] }
const presenting = (servername: string, i?: Issued): ConnectionOptions => ({
  servername,
  ...(i === undefined ? {} : { cert: i.chain, key: i.key }),
})

/** The last word of the gateway on a message to the outside. */
async function relayed({ tls, from, fields = [] }: Show): Promise<string> {
  const client = new Client(gateway.smtp[0]?.port ?? 0)
  try {
    await client.reply()
    await client.ask('EHLO client.example')
    if (tls !== undefined) {
      await client.ask('STARTTLS')
      await client.secure(tls)
      await client.ask('EHLO client.example')
    }
    for (const line of [`MAIL FROM:<${from}>`, 'RCPT TO:<olga@outside.example>', 'DATA']) {
      const answer = await client.ask(line)
      if (answer.startsWith('5')) return answer
    }
    return await client.ask([...fields, `From: <${from}>`, 'Subject: s', '', 'Hello.', '.'].join('\r\n'))
  } finally {
    client.destroy()
  }
}

const microsoftCertificate = issue({ ca: microsoftRoot, names: ['mail.protection.outlook.com'], usage: 'server' })
const org = (name: string) => `X-MS-Exchange-CrossTenant-Id: ${name}`
const asContoso = { tls: presenting('t1.gw.example.net', microsoftCertificate), from: 'ann@contoso.example' }
const asFabrikam = { tls: presenting('t2.gw.example.net', microsoftCertificate), from: 'bob@fabrikam.example' }
const refusal = /^550 5\.7\.1 /

test('another customer of Microsoft, by its addresses and its certificate, is nobody', async () => {
  const foreign = '99999999-1111-2222-3333-444444444444'
  const count = hop.messages.length
  assert.match(await relayed({ ...asContoso, fields: [org(id)] }), /^250 /)
  assert.match(await relayed({ ...asFabrikam, fields: [`X-Fabrikam: ${secret}`] }), /^250 /)
  assert.equal(hop.messages.length, count + 2)
  const attempts: readonly Show[] = [
    asContoso,
    { ...asContoso, fields: [org(foreign)] },
    { ...asContoso, fields: [org(id), org(foreign)] },
    { ...asContoso, fields: [org(foreign), org(id)] },
    { ...asContoso, fields: [org(id), org(id)] },
    { ...asContoso, fields: ['X-OriginatorOrg: contoso.example'] },
    // The header is right, and it is not Microsoft who says so.
    { tls: presenting('t1.gw.example.net'), from: asContoso.from, fields: [org(id)] },
    { from: asContoso.from, fields: [org(id)] },
    {
      tls: presenting('t1.gw.example.net', issue({ ca: impostor, names: ['mail.protection.outlook.com'] })),
      from: asContoso.from,
      fields: [org(id)],
    },
    {
      tls: presenting('t1.gw.example.net', issue({ names: ['mail.protection.outlook.com'] })),
      from: asContoso.from,
      fields: [org(id)],
    },
    // What proves one proves nothing for the other.
    { ...asContoso, tls: asFabrikam.tls, fields: [org(id)] },
    { ...asFabrikam, tls: asContoso.tls, fields: [`X-Fabrikam: ${secret}`] },
    { ...asFabrikam, fields: [org(id)] },
    asFabrikam,
    { ...asFabrikam, fields: ['X-Fabrikam: guessed-by-somebody-else-1'] },
    { ...asFabrikam, fields: [`X-Fabrikam: ${secret}`, `X-Fabrikam: ${secret}`] },
    // A tenant that proved itself, in the name of another.
    { ...asContoso, from: 'bob@fabrikam.example', fields: [org(id)] },
    { ...asContoso, from: 'x@elsewhere.example', fields: [org(id)] },
  ]
  for (const attempt of attempts)
    assert.match(await relayed(attempt), refusal, JSON.stringify({ from: attempt.from, fields: attempt.fields }))
  assert.equal(hop.messages.length, count + 2, 'something went on')
  for (const message of hop.messages) assert.doesNotMatch(message.toString('latin1'), /X-Fabrikam|only-fabrikam/i)
})

const name = 'mx.server.example'
const own = (o: Partial<IssueOptions> = {}) => issue({ ca: root, names: [name], ...o })
const asServer = (i: Issued | undefined, serverName = 't3.gw.example.net'): Show => ({
  tls: presenting(serverName, i),
  from: 'eva@server.example',
})

test('certificates that prove something', async () => {
  const good: Readonly<Record<string, Issued>> = {
    both: own(),
    'server authentication only, as public authorities issue them': own({ usage: 'server' }),
    'client authentication only': own({ usage: 'client' }),
    'by an intermediate that comes with it': own({ ca: middle }),
    'among other names': own({ names: ['x.example', name] }),
    'by common name alone': own({ names: [], commonName: name, withoutSan: true }),
  }
  for (const [what, certificate] of Object.entries(good))
    assert.match(await relayed(asServer(certificate)), /^250 /, what)
})

test('certificates that prove nothing', async () => {
  const byRsa = (file: string, more: object): Issued => {
    makeCertificate(dir, file, {
      subject: `/CN=${name}`,
      ca: 'rsa',
      extensions: [`subjectAltName=DNS:${name}`],
      ...more,
    })
    const cert = readFileSync(join(dir, `${file}.crt`), 'latin1')
    return { cert, chain: cert, key: readFileSync(join(dir, `${file}.key`), 'latin1'), der: Buffer.alloc(0) }
  }
  // A certificate of openssl begins at the second in which it is made.
  assert.match(await relayed(asServer(byRsa('strong', {}))), /^250 /)
  const missing = own({ ca: middle })
  const bad: Readonly<Record<string, Issued | undefined>> = {
    none: undefined,
    expired: own({ expired: true }),
    'not valid yet': own({ notYetValid: true }),
    'another name': own({ names: ['other.example'] }),
    'the name below': own({ names: [`a.${name}`] }),
    'a wildcard': own({ names: ['*.server.example'] }),
    'a name with NUL': own({ names: [`${name}\0.evil.example`], commonName: 'evil.example' }),
    'the name in the subject only, beside another': own({ names: ['evil.example'], commonName: name }),
    'the same authority by name': own({ ca: impostor }),
    'signed by itself': issue({ names: [name] }),
    'the intermediate is missing': { ...missing, chain: missing.cert },
    'for mail only': own({ usage: 'mail' }),
    'issued by Microsoft’s': own({ ca: microsoftRoot }),
    'a key of 1024 bits': byRsa('weak', { key: 'rsa:1024' }),
    'signed with SHA-1': byRsa('sha1', { digest: 'sha1', key: 'rsa:2048' }),
  }
  for (const [what, certificate] of Object.entries(bad)) {
    const answer = await relayed(asServer(certificate)).catch((error: unknown) => `handshake: ${String(error)}`)
    // What OpenSSL itself throws out in the handshake has proved as little.
    assert.match(answer, /^550 5\.7\.1 |^handshake: /, what)
  }
})

test('for this connection: another server name, an old session, a session with another name', async () => {
  assert.match(await relayed(asServer(own(), 'gw.example.net')), refusal)
  assert.match(await relayed(asServer(own(), 't1.gw.example.net')), refusal)
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const session = await sessionOf({ ...presenting('t3.gw.example.net', own()), maxVersion })
    const resuming = (more: ConnectionOptions): Show => ({
      ...asServer(undefined),
      tls: { maxVersion, session, ...more },
    })
    assert.match(await relayed(resuming({ servername: 't3.gw.example.net' })), refusal, maxVersion)
    assert.match(await relayed(resuming(presenting('t3.gw.example.net', own()))), /^250 /, maxVersion)
  }
})

/** What a client keeps of a connection on which it proved itself. */
async function sessionOf(tls: ConnectionOptions): Promise<Buffer | undefined> {
  const client = new Client(gateway.smtp[0]?.port ?? 0)
  await client.reply()
  await client.ask('EHLO client.example')
  await client.ask('STARTTLS')
  const socket = await client.secure(tls)
  let given: Buffer | undefined
  socket.on('session', (session) => (given = session))
  await client.ask('EHLO client.example')
  const kept = given ?? socket.getSession()
  client.destroy()
  return kept
}
