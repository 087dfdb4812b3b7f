/** OpenDKIM as a milter that verifies: code that is not ours says what it thinks of our signatures, in Authentication-Results. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProgram, untilListening } from './program.ts'

export type OpenDkim = { readonly milter: string; stop(): Promise<void> }

export async function startOpenDkim(o: {
  readonly dir: string
  readonly host: string
  readonly port: number
  /** Name in Authentication-Results. */
  readonly name: string
  readonly dns: { readonly host: string; readonly port: number }
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
    `Mode v
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
