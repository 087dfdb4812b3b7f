/**
 * The outside world: a mail server for domains that belong to nobody in the project, and the people there.
 *
 * Promises: judges each message by SPF, DKIM and DMARC before it takes it, keeps the verdict beside the bytes; its people
 *   write to wherever the MX in the lab's DNS points.
 * Never: judges with code of ours, relays, changes a message.
 * On failure: refuses what DMARC says to refuse, 550 5.7.509, with the verdict in the reply.
 */
import type { Reply } from '../../mail/reply/reply.ts'
import type { NextHop } from '../../project/project.ts'
import { type Backend, type Incoming, listen } from '../../relay/listen/listen.ts'
import type { KeyPair } from '../certificates/certificates.ts'
import type { Person, Stored } from '../letter/letter.ts'
import { domainOf, makePost, type Ports, type Sent } from '../post/post.ts'
import { makeUser, type User } from '../user/user.ts'
import { type Judge, makeJudge, type Verdict } from './verdict.ts'

export type { Verdict } from './verdict.ts'

/** A message as it arrived outside, with what the receiver made of it. */
export type Judged = Stored & { readonly verdict: Verdict; readonly client: string; readonly tls: string }

export type OutsideOptions = {
  readonly hostname: string
  readonly address: string
  readonly domains: readonly string[]
  readonly people: readonly { readonly person: Person; readonly proxies?: readonly string[] }[]
  readonly server: KeyPair
  readonly dnsServer: string
  readonly ports: Ports
}

export type Outside = {
  readonly hostname: string
  readonly port: number
  /** Throws when nobody has the address. */
  user(address: string): User<Judged>
  /** Hands a message to a server directly, whatever the MX says: what a stranger does who wants to relay. */
  handTo(
    hop: NextHop,
    letter: { readonly mailFrom: string; readonly recipients: readonly string[]; readonly raw: Buffer },
  ): Promise<readonly Sent[]>
  close(): Promise<void>
}

export async function startOutside(o: OutsideOptions): Promise<Outside> {
  const { hostname, address, dnsServer, ports } = o
  const post = makePost({ hostname, address, dnsServer, ports })
  const users = new Map<string, User<Judged>>()
  for (const each of o.people) {
    const user = makeUser<Judged>({ ...each, submit: (letter) => post.send(letter) })
    for (const proxy of user.proxies) users.set(proxy, user)
  }
  const listener = await listen({
    hostname,
    addresses: [{ host: address, port: 0 }],
    secureContext: () => o.server,
    backend: backendFor(o, users, makeJudge(hostname, dnsServer)),
  })
  const port = listener.addresses[0]?.port ?? 0
  ports.set(hostname, port)
  return {
    hostname,
    port,
    user(wanted) {
      const user = users.get(wanted.toLowerCase())
      if (user === undefined) throw new Error(`${wanted} has no mailbox outside`)
      return user
    },
    handTo: (hop, letter) => post.send(letter, hop),
    async close() {
      await listener.drain(200)
      await post.close()
    },
  }
}

const reply = (code: number, enhanced: string, text: string): Reply => ({ code, enhanced, text })

function backendFor(o: OutsideOptions, users: ReadonlyMap<string, User<Judged>>, judge: Judge): Backend {
  return {
    mail: () => undefined,
    rcpt(_client, _from, to) {
      if (users.has(to.text.toLowerCase())) return undefined
      return o.domains.includes(domainOf(to.text))
        ? reply(550, '5.1.1', 'no such person here')
        : reply(554, '5.7.1', 'Relay access denied')
    },
    message: (incoming) => take(incoming, users, judge),
  }
}

async function take(
  { client, mailFrom, recipients, raw }: Incoming,
  users: ReadonlyMap<string, User<Judged>>,
  judge: Judge,
): Promise<Reply> {
  const verdict = await judge(raw, { ip: client.address, helo: client.helo, mailFrom: mailFrom.text })
  if (verdict.dmarc === 'fail' && verdict.policy === 'reject')
    return reply(550, '5.7.509', `Access denied: ${verdict.words.join('; ')}`)
  const tls = client.tls === undefined ? '' : `${client.tls.protocol} ${client.tls.cipher}`
  for (const { text } of recipients) {
    users
      .get(text.toLowerCase())
      ?.mailbox.deliver({ raw, mailFrom: mailFrom.text, recipient: text, verdict, client: client.address, tls })
  }
  return reply(250, '2.0.0', 'taken')
}
