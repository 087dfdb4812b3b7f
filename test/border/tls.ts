/** TLS as a server and as a client: no old version, no weak cipher, and nobody is believed who cannot prove who he is. */

import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issue, makeCa } from '../support/certificates.ts'
import { makeCertificate } from '../support/openssl.ts'
import { all, type Family, type Seen, type Try } from './attack.ts'
import { type HopOptions, type Hops, hopName, hopRoot, type Listening, startHops } from './hops.ts'
import { content, makeMark } from './letters.ts'
import { fabrikamServer, type Stage, sharedStage } from './stage.ts'

export const tls: Family = {
  name: 'tls',
  title: 'versions, ciphers, certificates of next hops (2.9, T4)',
  async run({ attempt, isShort }) {
    await atTheListener(await sharedStage(), attempt)
    await nextHops(attempt, isShort)
  },
}

async function atTheListener(stage: Stage, attempt: Try): Promise<void> {
  const weak: Record<string, object> = {
    'TLS 1.0': { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' },
    'TLS 1.1': { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
  }
  const ciphers = [
    'AES128-SHA',
    'AES256-SHA',
    'AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES128-SHA',
    'NULL-SHA256',
    'AECDH-AES128-SHA',
    'PSK-AES128-CBC-SHA',
  ]
  for (const cipher of ciphers)
    weak[`TLS 1.2 with ${cipher} alone`] = { maxVersion: 'TLSv1.2', ciphers: `${cipher}@SECLEVEL=0` }
  for (const [attack, more] of Object.entries(weak))
    await attempt(attack, 'no handshake', () => noHandshake(stage, more))
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    await attempt(`${version} (control)`, 'a handshake', async () => {
      const client = await stage.visit({
        tls: true,
        serverName: fabrikamServer,
        more: { minVersion: version, maxVersion: version },
      })
      const reply = await client.ask('NOOP')
      client.destroy()
      return { held: reply.startsWith('250'), happened: reply }
    })
}

async function noHandshake(stage: Stage, more: object): Promise<Seen> {
  try {
    const client = await stage.visit({ tls: true, more })
    client.destroy()
    return { held: false, happened: 'a handshake' }
  } catch (error) {
    const why = String(error)
    // The client's own OpenSSL may not know what it is asked to offer.
    return { held: !why.includes('no answer'), happened: why.slice(0, 120) }
  }
}

const ca = hopRoot
const names = [hopName]
const hopWith = (certificate: { readonly chain: string; readonly key: string }, ciphers?: string): HopOptions => ({
  tls: { ...identityOf(certificate), ...(ciphers === undefined ? {} : { ciphers }) },
})

async function nextHops(attempt: Try, isShort: boolean): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-border-tls-'))
  const weak = weakCertificates(dir)
  const middle = makeCa({ name: 'Middle', parent: ca })
  const chained = issue({ ca: middle, names })
  const wrong: Readonly<Record<string, readonly [sentence: string, hop: HopOptions | Listening]>> = {
    expired: ['certificate has expired', hopWith(issue({ ca, names, expired: true }))],
    early: ['certificate is not valid yet', hopWith(issue({ ca, names, notYetValid: true }))],
    other: ['certificate of another name', hopWith(issue({ ca, names: ['evil.example'] }))],
    self: ['certificate signed by itself', hopWith(issue({ names }))],
    root: ['certificate of an unknown root of the same name', hopWith(issue({ ca: makeCa({ name: ca.name }), names }))],
    chain: ['intermediate certificate is missing', hopWith({ chain: chained.cert, key: chained.key })],
    client: ['certificate for clients only', hopWith(issue({ ca, names, usage: 'client' }))],
    mail: ['certificate for S/MIME only', hopWith(issue({ ca, names, usage: 'mail' }))],
    nul: [
      'certificate of a name with NUL',
      hopWith(issue({ ca, names: [`${hopName}\0.evil.example`], commonName: 'x' })),
    ],
    cn: ['right common name beside another SAN', hopWith(issue({ ca, names: ['evil.example'], commonName: hopName }))],
    above: ['wildcard that covers two labels', hopWith(issue({ ca, names: ['*.example'] }))],
    short: ['RSA key of 1,024 bits', hopWith(weak.short, 'DEFAULT@SECLEVEL=0')],
    sha1: ['certificate signed with SHA-1', hopWith(weak.sha1, 'DEFAULT@SECLEVEL=0')],
    old: [
      'TLS 1.0 only',
      {
        tls: {
          ...identityOf(issue({ ca, names })),
          maxVersion: 'TLSv1',
          minVersion: 'TLSv1',
          ciphers: 'ALL@SECLEVEL=0',
        },
      },
    ],
    garbage: ['goes on in plaintext after 220', await garbage('250 hello\r\n')],
    closes: ['closes at the ClientHello', await garbage('')],
  }
  const scripts = Object.fromEntries(Object.entries(wrong).map(([name, [, hop]]) => [name, hop]))
  await using hops = await startHops({
    ...scripts,
    good: hopWith(issue({ ca, names })),
    stalls: await garbage(undefined),
  })
  // Half a minute: the time that a message has.
  const stalled = isShort ? undefined : neverTold(hops, 'stalls')
  for (const [name, [sentence]] of Object.entries(wrong))
    await attempt(`next hop: ${sentence}`, '451 4.7.5, no MAIL', () => neverTold(hops, name))
  if (stalled !== undefined) await attempt('next hop: handshake that never ends', '451, no MAIL', () => stalled)
  await attempt('next hop: everything right (control)', '250', async () => {
    const { reply } = await hops.send('good', content({ mark: makeMark(), from: 's@sender.example' }))
    return { held: reply.startsWith('250'), happened: reply }
  })
  rmSync(dir, { recursive: true, force: true })
}

const identityOf = ({ chain, key }: { readonly chain: string; readonly key: string }) => ({ cert: chain, key })

async function neverTold(hops: Hops, name: string): Promise<Seen> {
  const { reply } = await hops.send(name, content({ mark: makeMark(), from: 's@sender.example' }))
  const told = hops.of(name).lines.find((line) => /MAIL|RCPT|DATA|BDAT/.test(line))
  return all(reply, [reply.startsWith('451 4.'), reply], [told === undefined, `it was told ${told ?? ''}`])
}

/** Made by openssl: a key and a signature that nothing of ours would make. Under the root of the hops. */
function weakCertificates(dir: string): {
  readonly [name in 'short' | 'sha1']: { readonly chain: string; readonly key: string }
} {
  const extensions = [`subjectAltName=DNS:${hopName}`, 'extendedKeyUsage=serverAuth']
  const asFiles = (name: string) => ({
    chain: readFileSync(join(dir, `${name}.crt`), 'utf8'),
    key: readFileSync(join(dir, `${name}.key`), 'utf8'),
  })
  writeFileSync(join(dir, 'root.crt'), hopRoot.cert)
  writeFileSync(join(dir, 'root.key'), hopRoot.key)
  makeCertificate(dir, 'short', { subject: `/CN=${hopName}`, key: 'rsa:1024', ca: 'root', extensions })
  makeCertificate(dir, 'sha1', { subject: `/CN=${hopName}`, digest: 'sha1', ca: 'root', extensions })
  return { short: asFiles('short'), sha1: asFiles('sha1') }
}

/** After 220 to STARTTLS these bytes instead of a handshake; '' closes, undefined says nothing. */
async function garbage(bytes: string | undefined): Promise<Listening> {
  const lines: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.write('220 peer.example ESMTP\r\n')
    let asked = false
    socket.on('data', (chunk: Buffer) => {
      if (asked) {
        if (bytes === '') socket.end()
        else if (bytes !== undefined) socket.write(bytes)
        return
      }
      const text = chunk.toString('latin1')
      lines.push(...text.split('\r\n'))
      asked = text.includes('STARTTLS')
      socket.write(asked ? '220 go\r\n' : '250-peer.example\r\n250 STARTTLS\r\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { port, lines, arrivals: [], close: async () => void server.close() }
}
