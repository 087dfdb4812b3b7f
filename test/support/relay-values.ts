/** Values of the relay as a test writes them: addresses as text, a project as YAML. */
import assert from 'node:assert/strict'
import { parseAddress } from '../../src/mail/address/address.ts'
import { loadProjectText, type Project, problemText } from '../../src/project/project.ts'
import type { Client, Incoming, MailFrom, Recipient } from '../../src/relay/listen/listen.ts'

/** `file` is where paths in the text start from. */
export function projectOf(yaml: string, file = '/nowhere/project.yaml'): Project {
  const loaded = loadProjectText(Buffer.from(yaml), file)
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(problemText).join('\n'))
  return loaded.value
}

/** Two tenants, one shared domain, nobody in the directory. */
export const twoTenants = `
name: shared
gateway: { hostname: gw.example.net }
tenants:
  - { name: one, kind: exchange-online, domains: [one.example], from: { certificate: [one.example] }, to: { host: mx.one.example } }
  - { name: two, kind: exchange-online, domains: [two.example], from: { certificate: [two.example] }, to: { host: mx.two.example } }
domains: [{ name: shared.example }]
`

/** John in tenant one, Mary in tenant two. */
export const sharedDomain = `${twoTenants}
directory:
  - { internal: john@one.example, external: john@shared.example }
  - { internal: mary@two.example, external: mary@shared.example }
`

export const aClient: Client = {
  id: 'c1',
  address: '192.0.2.9',
  port: 40_000,
  localPort: 25,
  helo: 'mail.example',
  esmtp: true,
}

/** '' is the null sender. */
export function sender(text: string): MailFrom {
  const address = text === '' ? undefined : parseAddress(text)
  assert.ok(text === '' || address !== undefined, text)
  const path = address === undefined ? ({ kind: 'null' } as const) : ({ kind: 'address', address } as const)
  return { path, text, body: '7BIT', smtputf8: false }
}

export function recipient(text: string): Recipient {
  const address = parseAddress(text)
  assert.ok(address !== undefined, text)
  return { address, text }
}

/** LF becomes CRLF. */
export const bytes = (text: string): Buffer => Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'), 'latin1')

export function incomingOf(from: string, to: readonly string[], text: string): Incoming {
  return { client: aClient, mailFrom: sender(from), recipients: to.map(recipient), raw: bytes(text), via: 'DATA' }
}
