/**
 * A stage for what happens in the queue: a running relay with two tenants. The host of tenant one is the relay's own sink; that of
 * tenant two is a scripted server, which a test lets say what it likes. Mail comes from tenant one, or from the internet.
 */
import assert from 'node:assert/strict'
import type { Project } from '../../src/project/project.ts'
import type { Filter, KeptRecipient } from '../../src/queue/queue.ts'
import type { TraceEvent } from '../../src/trace/trace.ts'
import { bytes, projectOf } from './relay-values.ts'
import { type RelayOptions, type RunningRelay, startRelay } from './running-relay.ts'
import { type Peer, startPeer, type Talk } from './scripted-smtp.ts'
import { type Said, type SmallClient, smallClient } from './small-client.ts'

/** What a hop says to a line; 'silence' is nothing at all, undefined what it would say anyway. */
export type Script = (line: string, talk: Talk) => string | undefined

export type QueueStage = AsyncDisposable & {
  readonly relay: RunningRelay
  /** The host of tenant two. */
  readonly two: Peer
  script(answer: Script | undefined): void
  use(o?: Settings): void
  /** Mail of John of tenant one, or of Zoe in the internet. */
  fromOne(to: readonly string[], o?: Wording & { readonly from?: string }): Promise<Said>
  fromNet(to: readonly string[], o?: Wording): Promise<Said>
  kept(filter?: Filter): Promise<readonly KeptRecipient[]>
  /** Who is kept, and how: `mary@shared.example waiting`. */
  states(): Promise<readonly string[]>
  story(said: Said): readonly TraceEvent[]
}

type Wording = { readonly body?: string; readonly notify?: string }

export type Settings = {
  readonly policy?: string
  readonly mode?: string
  /** Of other.example, where everybody has an address, too. */
  readonly otherMode?: string
  /** Internal addresses; the external one has the same name. */
  readonly people?: readonly string[]
  /** Another external address of a person, by its name. */
  readonly aliases?: Readonly<Record<string, string>>
  /** Tenant one is not there. */
  readonly isOneGone?: boolean
}

export async function setStage(o: RelayOptions = {}): Promise<QueueStage> {
  let script: Script | undefined
  const two = await startPeer({
    on(line, talk) {
      const answer = script?.(line, talk)
      if (answer === undefined) return false
      if (answer !== 'silence') talk.say(answer)
      return true
    },
  })
  const relay = await startRelay({ deadlineMs: 300, ...o })
  const clients: { one?: SmallClient; net?: SmallClient } = {}
  let number = 0
  const send = async (who: 'one' | 'net', from: string, to: readonly string[], words: Wording = {}): Promise<Said> => {
    const { body = 'Hello.\n', notify } = words
    number += 1
    const client = (clients[who] ??= await smallClient(relay.port, who === 'one' ? '127.0.0.1' : '127.0.0.2'))
    const author = from === '' ? 'john@one.example' : from
    const raw = bytes(`From: ${author}\nTo: ${to[0]}\nMessage-ID: <${number}@stage.example>\n\n${body}`)
    return client.send({ from, to, raw, ...(notify === undefined ? {} : { notify }) })
  }
  const kept = async (filter: Filter = {}) => {
    const { items } = await relay.queue.list(filter, { limit: 1000 })
    return items.flatMap(({ recipients }) => recipients)
  }
  relay.use(project(relay, two, {}))
  return {
    relay,
    two,
    script(next) {
      script = next
    },
    use: (settings = {}) => relay.use(project(relay, two, settings)),
    fromOne: (to, { from = 'john@one.example', ...words } = {}) => send('one', from, to, words),
    fromNet: (to, words) => send('net', 'zoe@away.example', to, words),
    kept,
    states: async () =>
      (await kept()).map(({ address, state, cause }) => [address, state, cause].filter(Boolean).join(' ')),
    story({ text }) {
      const id = /id=(\S+)/.exec(text)?.[1]
      return relay.events.filter((event) => event.id === id)
    },
    async [Symbol.asyncDispose]() {
      clients.one?.close()
      clients.net?.close()
      await relay[Symbol.asyncDispose]()
      await two.close()
    },
  }
}

function project(relay: RunningRelay, two: Peer, o: Settings): Project {
  const { policy = '', mode = 'open', otherMode = 'open', people = everybody, aliases = {}, isOneGone = false } = o
  const sink = hop(relay.sinkPort)
  const one = `  - { name: one, kind: smtp, domains: [one.example], from: { addresses: [127.0.0.1] }, to: ${sink}, outbound: { smarthost: ${sink} } }`
  const other = `  - { name: two, kind: smtp, domains: [two.example], from: { addresses: [127.0.0.99] }, to: ${hop(two.port)} }`
  const there = people.filter((address) => !isOneGone || !address.endsWith('@one.example'))
  const entries = there.map((at) => {
    const name = at.split('@')[0] ?? ''
    return `  - { internal: ${at}, external: ${name}@shared.example, aliases: [${[`${name}@other.example`, aliases[name] ?? []].flat().join()}] }`
  })
  return projectOf(`
name: stage
gateway: { hostname: gw.example.net }
tenants:
${isOneGone ? '' : one}
${other}
directory:
${entries.join('\n')}
domains: [{ name: shared.example, mode: ${mode} }, { name: other.example, mode: ${otherMode} }]
policy: { dmarc: ignore, ${policy} }
`)
}

const everybody = ['john@one.example', 'ann@one.example', 'mary@two.example', 'mike@two.example']

const hop = (port: number): string => `{ host: 127.0.0.1, port: ${port}, tls: none }`

/** Until `check` holds; for what happens a moment later. */
export async function until(what: string, check: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await check())) {
    assert.ok(performance.now() < end, `waited 10 s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
