/** What the tests of this room share: a deliverer with short patience, a hop, an attempt. Not for production. */
import type { Resolver } from '../../dns/dns.ts'
import type { NextHop } from '../../project/project.ts'
import { type Attempt, type Deliverer, type DelivererOptions, makeDeliverer, type Outcome } from './deliver.ts'

/** Every name is this machine; names under `.absent` are not there, under `.unknown` nobody knows. */
export const fakeDns: Resolver = {
  async addresses(host) {
    if (host.endsWith('.absent')) return { kind: 'absent' }
    if (host.endsWith('.unknown')) return { kind: 'unknown', why: 'SERVFAIL' }
    return { kind: 'found', value: [{ address: '127.0.0.1', family: 4 }] }
  },
  mx: async () => ({ kind: 'absent' }),
  txt: async () => ({ kind: 'absent' }),
  ns: async () => ({ kind: 'absent' }),
  cname: async () => ({ kind: 'absent' }),
  close() {},
}

/** Long enough for a busy machine, short enough for those tests in which time does run out. */
const long = 20_000
export const patient = {
  connect: long,
  greeting: long,
  handshake: long,
  command: long,
  data: long,
  block: long,
  final: long,
  idle: long,
  closing: 2000,
}

export function deliverer(o: Partial<DelivererOptions> = {}): Deliverer & AsyncDisposable {
  const made = makeDeliverer({ hostname: 'gw.example', dns: fakeDns, ...o, timeouts: { ...patient, ...o.timeouts } })
  return { ...made, [Symbol.asyncDispose]: () => made.close() }
}

export function hopTo(port: number, o: Partial<NextHop> = {}): NextHop {
  return { host: 'peer.example', port, tls: 'none', serverName: 'peer.example', ...o }
}

export const text = 'From: a@gw.example\r\nSubject: x\r\n\r\nHello\r\n'

export function attempt(
  hop: Attempt['hop'],
  to: readonly string[] = ['r@peer.example'],
  o: Partial<Attempt> = {},
): Attempt {
  return {
    hop,
    mailFrom: 's@gw.example',
    recipients: to.map((address) => ({ address })),
    content: [Buffer.from(text, 'latin1')],
    body: '7BIT',
    smtputf8: false,
    via: 'DATA',
    helo: '',
    ...o,
  }
}

export const kinds = (outcomes: readonly Outcome[]): string[] => outcomes.map((o) => o.kind)

/** The one outcome of an attempt for one recipient. */
export function only(outcomes: readonly Outcome[]): Outcome {
  const [first] = outcomes
  if (first === undefined || outcomes.length !== 1) throw new Error(`${outcomes.length} outcomes`)
  return first
}

/** Settles once `check` holds; for what happens a moment after an answer. */
export async function eventually(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5))
}
