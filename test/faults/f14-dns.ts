/** F14: the DNS is unwell. What cannot be known now waits; what is known not to exist is refused; nothing else is touched. */
import { percentile } from '../../bench/figures.ts'
import { type DnsServer, startDns } from '../../src/lab/dns-server/dns-server.ts'
import { onFreePort, ownNetwork } from '../support/ports.ts'
import { startFront } from './dns-front.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { type Hop, startHop } from './hop.ts'
import { needsRoot } from './machine.ts'
import { setStage } from './stage.ts'

export const f14: Fault = { id: 'F14', title: 'DNS is unwell', cannot: () => needsRoot('port 25'), run }

type Case = { readonly name: string; readonly is: 'delivered' | 'waits' | 'refused' }

/** What spoils them stands here, in `startZones` and in dns-front.ts. */
const cases: readonly Case[] = [
  { name: 'well', is: 'delivered' },
  { name: 'truncated', is: 'delivered' },
  { name: 'many', is: 'delivered' },
  { name: 'servfail', is: 'waits' },
  { name: 'refused', is: 'waits' },
  { name: 'timeout', is: 'waits' },
  { name: 'slow', is: 'waits' },
  { name: 'tcpfail', is: 'waits' },
  { name: 'mx-servfail', is: 'waits' },
  { name: 'rebind', is: 'waits' },
  { name: 'garbage', is: 'waits' },
  { name: 'badid', is: 'waits' },
  { name: 'loop', is: 'refused' },
  { name: 'nowhere', is: 'refused' },
  { name: 'nodata', is: 'refused' },
  { name: 'null-mx', is: 'refused' },
]
/** An answer that is garbage spoils whatever is asked of that server in the same moment. */
const alone = ['garbage', 'badid']

/** Those of the name server itself. */
const faulty = {
  servfail: 'servfail',
  refused: 'refused',
  timeout: 'timeout',
  truncated: 'truncated',
  tcpfail: 'truncated',
} as const
const maxP95 = 500

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  // MX means port 25, on an address that nobody else uses; nobody at all has the other one.
  const network = ownNetwork()
  const hop = await startHop(stage.ledger, { host: `${network}.25`, port: 25 })
  stage.defer(() => hop.stop())
  const dns = await startZones(hop, `${network}.26`)
  stage.defer(() => dns.close())
  const front = await onFreePort((port) => startFront(port, Number(dns.address.split(':')[1])))
  stage.defer(() => front.close())
  await stage.start({ dns: `127.0.0.1:${front.port}` })
  const each = isShort ? 1 : 20
  const send = async ({ name, is }: Case): Promise<void> => {
    const letters = Array.from({ length: each }, (_, n) =>
      stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@${name}.example`] }),
    )
    const told = await Promise.all(letters.map((letter) => stage.sender().send(letter)))
    const wanted = is === 'refused' ? /^55\d/ : /^250/
    const other = told.find(({ reply }) => !wanted.test(reply))
    checks.must(other === undefined, `${name}: a sender was told ${JSON.stringify(other?.reply)}`)
  }
  // Mail for a host that is named by its address: nothing has to be asked for it.
  const others = stage.crowd({
    senders: 2,
    pauseMs: 50,
    next: () => stage.ledger.write({ from: 'a@contoso.example', to: ['well@fabrikam.example'] }),
  })
  await Promise.all(cases.filter(({ name }) => !alone.includes(name)).map(send))
  for (const one of cases.filter(({ name }) => alone.includes(name))) await send(one)
  await others.stop()
  const p95 = percentile(others.tookMs, 0.95)
  checks.must(p95 < maxP95, `p95 of the others was ${p95.toFixed(0)} ms`)
  say(`every case; p95 of the others ${p95.toFixed(0)} ms`)
  const domainsThat = (is: Case['is']): readonly string[] =>
    cases.filter((one) => one.is === is).map(({ name }) => `@${name}.example`)
  const arrivedAt = (domains: readonly string[]): number =>
    stage.ledger.order.filter(({ recipient }) => domains.some((domain) => recipient.endsWith(domain))).length
  const early = arrivedAt(domainsThat('waits'))
  checks.must(early === 0, `${early} were delivered without an answer of the DNS`)
  mend(dns, hop)
  front.mend()
  await stage.drain()
  const count = await stage.count()
  const arrived = arrivedAt([...domainsThat('waits'), ...domainsThat('delivered')])
  const expected = cases.filter(({ is }) => is !== 'refused').length * each
  checks.must(arrived === expected, `${arrived} delivered, expected ${expected}`)
  return {
    count,
    did: `${cases.length} cases, ${each} each`,
    measured: `p95 of the others ${p95.toFixed(0)} ms`,
    broken: [...brokenCounts(count), ...checks.broken],
  }
}

async function startZones(hop: Hop, dead: string): Promise<DnsServer> {
  const dns = await startDns()
  dns.addZone('example')
  for (const { name } of cases) addDomain(dns, name, hop.host)
  dns.add({ name: 'nodata.example', type: 'TXT', text: 'there is such a name, and nobody takes mail for it' })
  for (let n = 0; n < 300; n++)
    dns.add({ name: 'many.example', type: 'MX', exchange: 'mx.many.example', preference: 10 + n })
  dns.remove('mx.rebind.example')
  dns.add({ name: 'mx.rebind.example', type: 'A', address: dead })
  for (const [name, fault] of Object.entries(faulty)) dns.fault(`${name}.example`, fault)
  dns.fault('mx.mx-servfail.example', 'servfail')
  return dns
}

function addDomain(dns: DnsServer, name: string, address: string): void {
  if (name === 'nowhere' || name === 'nodata') return
  const domain = `${name}.example`
  dns.add({ name: `mx.${domain}`, type: 'A', address })
  if (name === 'loop') return dns.add({ name: domain, type: 'CNAME', target: domain })
  const isNull = name === 'null-mx'
  dns.add({ name: domain, type: 'MX', exchange: isNull ? '' : `mx.${domain}`, preference: isNull ? 0 : 10 })
}

function mend(dns: DnsServer, hop: Hop): void {
  for (const name of Object.keys(faulty)) dns.fault(`${name}.example`, undefined)
  dns.fault('mx.mx-servfail.example', undefined)
  dns.remove('mx.rebind.example')
  dns.add({ name: 'mx.rebind.example', type: 'A', address: hop.host })
}
