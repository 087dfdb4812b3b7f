/** A listener for tests, and clients for it. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reply } from '../../src/mail/reply/reply.ts'
import {
  type Backend,
  type Incoming,
  type Listener,
  type ListenOptions,
  listen,
  type Client as Peer,
} from '../../src/relay/listen/listen.ts'
import { Client } from './smtp-client.ts'

export const taken: Reply = { code: 250, enhanced: '2.0.0', text: 'taken' }

export async function until(holds: () => boolean, withinMs = 3000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!holds()) {
    assert.ok(performance.now() < deadline, `in vain: ${holds.toString()}`)
    await sleep(5)
  }
}

export type Given = { readonly backend?: Partial<Backend> } & Partial<Omit<ListenOptions, 'backend'>>

export type Border = {
  readonly listener: Listener
  readonly messages: Incoming[]
  /** What the engine refused, with the client's address. */
  readonly refused: string[]
  /** A client at 127.0.0.1; with `from` the one that a balancer names. */
  readonly dial: (from?: string) => Client
  /** The same, past EHLO. */
  readonly greeted: (from?: string) => Promise<Client>
  /** The same, past DATA. */
  readonly inData: (from?: string) => Promise<Client>
}

/** A listener that takes everything, and is gone when the test is. */
export async function border(t: TestContext, given: Given = {}): Promise<Border> {
  const messages: Incoming[] = []
  const refused: string[] = []
  const listener = await listen({
    hostname: 'gw.example.net',
    addresses: [{ host: '127.0.0.1', port: 0 }],
    secureContext: () => undefined,
    isBalancer: () => false,
    ...given,
    backend: {
      mail: () => undefined,
      rcpt: () => undefined,
      message: (incoming) => {
        messages.push(incoming)
        return taken
      },
      refused: (client: Peer, what: string) => void refused.push(`${client.address} ${what}`),
      ...given.backend,
    },
  })
  const clients: Client[] = []
  t.after(async () => {
    for (const client of clients) client.destroy()
    await listener.drain(0)
  })
  const dial = (from?: string) => {
    const client = new Client(listener.addresses[0]?.port ?? 0)
    clients.push(client)
    if (from !== undefined) client.send(Buffer.from(`PROXY TCP4 ${from} 192.0.2.25 4711 25\r\n`))
    return client
  }
  const greeted = async (from?: string) => {
    const client = dial(from)
    assert.match(await client.reply(), /^220 /)
    assert.match(await client.ask('EHLO client.example'), /^250 /)
    return client
  }
  const inData = async (from?: string) => {
    const client = await greeted(from)
    for (const command of ['MAIL FROM:<a@x.example>', 'RCPT TO:<b@y.example>', 'DATA'])
      assert.match(await client.ask(command), /^[23]5/)
    return client
  }
  return { listener, messages, refused, dial, greeted, inData }
}
