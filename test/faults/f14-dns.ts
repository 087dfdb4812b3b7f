/** F14: the DNS is unwell. What cannot be known now waits; what is known not to exist is refused; nothing else is touched. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { type DnsServer, startDns } from '../../src/lab/dns-server/dns-server.ts'
import { onFreePort, ownNetwork } from '../support/ports.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { type Hop, startHop } from './hop.ts'
import { needsRoot } from './machine.ts'
import { setStage } from './stage.ts'

export const f14: Fault = { id: 'F14', title: 'DNS is unwell', cannot: () => needsRoot('port 25'), run }

type Case = { readonly name: string; readonly is: 'delivered' | 'waits' | 'refused' }

const cases: readonly Case[] = [
  { name: 'well', is: 'delivered' },
  { name: 'truncated', is: 'delivered' },
  { name: 'servfail', is: 'waits' },
  { name: 'refused', is: 'waits' },
  { name: 'timeout', is: 'waits' },
  { name: 'mx-servfail', is: 'waits' },
  { name: 'garbage', is: 'waits' },
  { name: 'badid', is: 'waits' },
  { name: 'loop', is: 'refused' },
  { name: 'nowhere', is: 'refused' },
  { name: 'null-mx', is: 'refused' },
]

const faulty = ['servfail', 'refused', 'timeout', 'truncated'] as const

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  // MX means port 25, on an address that nobody else uses.
  const hop = await startHop(stage.ledger, { host: `${ownNetwork()}.25`, port: 25 })
  stage.defer(() => hop.stop())
  const dns = await startZones(hop)
  stage.defer(() => dns.close())
  const front = await onFreePort((port) => startFront(port, Number(dns.address.split(':')[1])))
  stage.defer(() => front.close())
  await stage.start({ dns: `127.0.0.1:${front.port}` })
  const each = isShort ? 1 : 20
  const send = async ({ name, is }: Case, n: number): Promise<void> => {
    const letter = stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@${name}.example`] })
    const { reply } = await stage.sender().send(letter)
    const wanted = is === 'refused' ? /^55\d/ : /^250/
    checks.must(wanted.test(reply), `${name}: the sender was told ${JSON.stringify(reply)}`)
  }
  // One case after the other: an answer that is garbage spoils whatever is asked of that server in the same moment.
  for (const one of cases) await Promise.all(Array.from({ length: each }, (_, n) => send(one, n)))
  say('every case')
  const early = stage.ledger.order.filter(({ recipient }) =>
    cases.some(({ name, is }) => is === 'waits' && recipient.endsWith(`@${name}.example`)),
  )
  checks.must(early.length === 0, `${early.length} were delivered without an answer of the DNS`)
  for (const { name } of cases) dns.fault(`${name}.example`, undefined)
  dns.fault('mx.mx-servfail.example', undefined)
  front.mend()
  await stage.drain()
  const count = await stage.count()
  const expected = cases.filter(({ is }) => is !== 'refused').length * each
  checks.must(count.delivered === expected, `${count.delivered} delivered, expected ${expected}`)
  return { count, did: `${cases.length} cases`, broken: [...brokenCounts(count), ...checks.broken] }
}

async function startZones(hop: Hop): Promise<DnsServer> {
  const dns = await startDns()
  dns.addZone('example')
  for (const { name } of cases) {
    if (name === 'nowhere') continue
    const domain = `${name}.example`
    dns.add({ name: `mx.${domain}`, type: 'A', address: hop.host })
    if (name === 'loop') dns.add({ name: domain, type: 'CNAME', target: domain })
    else
      dns.add({
        name: domain,
        type: 'MX',
        exchange: name === 'null-mx' ? '' : `mx.${domain}`,
        preference: name === 'null-mx' ? 0 : 10,
      })
  }
  for (const fault of faulty) dns.fault(`${fault}.example`, fault)
  dns.fault('mx.mx-servfail.example', 'servfail')
  return dns
}

type Front = { readonly port: number; mend(): void; close(): void }

/** Stands before the name server and spoils some of its answers. */
async function startFront(port: number, to: number): Promise<Front> {
  // What is too long for a datagram is asked for again by TCP (RFC 7766).
  const streams = createServer((socket) => {
    const back = connect({ host: '127.0.0.1', port: to })
    socket.on('error', () => back.destroy()).pipe(back)
    back.on('error', () => socket.destroy()).pipe(socket)
  })
  streams.listen(port, '127.0.0.1')
  await once(streams, 'listening')
  const front = createSocket('udp4')
  let isMended = false
  front.on('message', (question, from) => {
    const back = createSocket('udp4')
    const late = setTimeout(() => back.close(), 5000).unref()
    back.once('message', (answer) => {
      if (!isMended) spoil(question.toString('latin1'), answer)
      front.send(answer, from.port, from.address)
      clearTimeout(late)
      back.close()
    })
    back.send(question, to, '127.0.0.1')
  })
  try {
    front.bind(port, '127.0.0.1')
    await once(front, 'listening')
  } catch (error) {
    streams.close()
    throw error
  }
  return {
    port,
    mend() {
      isMended = true
    },
    close() {
      front.close()
      streams.close()
    },
  }
}

function spoil(question: string, answer: Buffer): void {
  if (question.includes('\x07garbage')) answer.fill(0xee, 2)
  if (question.includes('\x05badid')) answer.writeUInt16BE((answer.readUInt16BE(0) + 1) & 0xffff, 0)
}
