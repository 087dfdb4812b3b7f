/** A real CardDAV server (Radicale) with one user, who has one address book. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { startProgram, untilListening } from './program.ts'

export type Radicale = {
  /** Of the server; the address book is found from it. */
  readonly url: string
  readonly book: string
  /** Every card, as the server gives it. */
  cards(): Promise<readonly string[]>
  readonly stop: () => Promise<void>
}

export async function startRadicale(o: {
  readonly dir: string
  readonly user: string
  readonly password: string
}): Promise<Radicale> {
  mkdirSync(o.dir, { recursive: true })
  const [port = 0] = await freePorts(1)
  writeFileSync(join(o.dir, 'users'), `${o.user}:${o.password}\n`)
  writeFileSync(
    join(o.dir, 'config'),
    `[server]
hosts = 127.0.0.1:${port}
[auth]
type = htpasswd
htpasswd_filename = ${o.dir}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = ${o.dir}/collections
`,
  )
  const program = startProgram(['radicale', '--config', join(o.dir, 'config')], o.dir)
  await untilListening('127.0.0.1', port, program)
  const url = `http://127.0.0.1:${port}`
  const book = `${url}/${o.user}/people/`
  const headers = { authorization: `Basic ${Buffer.from(`${o.user}:${o.password}`).toString('base64')}` }
  const body = `<?xml version="1.0"?><mkcol xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><set><prop>
<resourcetype><collection/><c:addressbook/></resourcetype><displayname>People</displayname></prop></set></mkcol>`
  const made = await fetch(book, { method: 'MKCOL', headers, body })
  if (!made.ok) throw new Error(`no address book: ${made.status}\n${program.output()}`)
  return {
    url: `${url}/`,
    book,
    cards: async () => {
      const text = await (await fetch(book, { headers })).text()
      return text.match(/BEGIN:VCARD[\s\S]*?END:VCARD/g) ?? []
    },
    stop: async () => void (await program.stop()),
  }
}
