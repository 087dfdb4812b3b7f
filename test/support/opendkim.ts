/** OpenDKIM as a milter that verifies: code that is not ours says what it thinks of our signatures, in Authentication-Results. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProgram, untilListening } from './program.ts'

const modeOf = (sign?: { readonly domain: string; readonly selector: string; readonly keyFile: string }): string =>
  sign === undefined
    ? 'Mode v'
    : `Mode sv\nDomain ${sign.domain}\nSelector ${sign.selector}\nKeyFile ${sign.keyFile}\nInternalHosts 127.0.0.0/8`

/** A key for a signer that is not ours, and its record as the text of a TXT record in a zone file. */
export function signingKey(keyFile: string): { readonly keyFile: string; readonly record: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  return { keyFile, record: `("v=DKIM1; k=rsa; p=" "${key.slice(0, 200)}" "${key.slice(200)}")` }
}

export type OpenDkim = { readonly milter: string; stop(): Promise<void> }

export async function startOpenDkim(o: {
  readonly dir: string
  readonly host: string
  readonly port: number
  /** Name in Authentication-Results. */
  readonly name: string
  readonly dns: { readonly host: string; readonly port: number }
  /** Signs what comes from this machine for the domain. */
  readonly sign?: { readonly domain: string; readonly selector: string; readonly keyFile: string }
}): Promise<OpenDkim> {
  mkdirSync(o.dir, { recursive: true })
  const unbound = join(o.dir, 'unbound.conf')
  // Debian's OpenDKIM asks by libunbound, which by itself asks no server on loopback.
  writeFileSync(
    unbound,
    `server:\n  do-not-query-localhost: no\nforward-zone:\n  name: "."\n  forward-addr: ${o.dns.host}@${o.dns.port}\n`,
  )
  writeFileSync(
    join(o.dir, 'opendkim.conf'),
    `${modeOf(o.sign)}
Socket inet:${o.port}@${o.host}
AuthservID ${o.name}
AlwaysAddARHeader yes
On-Default accept
ResolverConfiguration ${unbound}
Syslog no
RequireSafeKeys no
`,
  )
  const milter = startProgram(['opendkim', '-f', '-x', join(o.dir, 'opendkim.conf')], o.dir)
  await untilListening(o.host, o.port, milter)
  return { milter: `inet:${o.host}:${o.port}`, stop: async () => void (await milter.stop()) }
}
