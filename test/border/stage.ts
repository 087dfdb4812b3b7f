/**
 * Where the attacks are played: the real program between the internet, two tenants behind Microsoft's certificate, one with
 * its own, and next hops that keep every byte. One stage for all families that need no other; whoever is first starts it.
 *
 * contoso and northwind are Exchange Online: certificate and addresses are Microsoft's for both, each is told by the word of
 * Microsoft for its organisation, and contoso has a secret header too. fabrikam is an SMTP server with a certificate and a server name of its own.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DnsServer, startDns } from '../../src/lab/dns-server/dns-server.ts'
import { type Ca, type Issued, issue, makeCa } from '../support/certificates.ts'
import { type Gateway, startGateway } from '../support/gateway.ts'
import { until } from '../support/program.ts'
import { usualExtensions } from '../support/scripted-smtp.ts'
import type { Client } from '../support/smtp-client.ts'
import { type Arrival, type Sink, startSink } from './sink.ts'
import { type Answer, type Letter, submit, visit, type Who } from './visitor.ts'

export const secretHeader = 'X-Border-Key'
export const microsoftName = 'mail.protection.outlook.com'
/** As Microsoft writes it into the header of what leaves an organisation. */
const organisations = {
  contoso: '00000000-2222-3333-4444-555555555555',
  northwind: '11111111-2222-3333-4444-555555555555',
}
export const wordFor = (tenant: keyof typeof organisations): string =>
  `X-MS-Exchange-CrossTenant-Id: ${organisations[tenant]}\r\n`
/** The name that fabrikam's server asks for. */
export const fabrikamServer = 't2.gw.example.net'

export type Stage = AsyncDisposable & {
  readonly dir: string
  readonly port: number
  readonly gateway: Gateway
  readonly dns: DnsServer
  readonly sinks: { readonly [name in SinkName]: Sink }
  readonly secret: string
  readonly authorities: { readonly microsoft: Ca; readonly fabrikam: Ca; readonly stranger: Ca }
  /** The file of the project that runs. */
  readonly project: string
  /** The same project with other words in it; applied by the API. */
  apply(change: (text: string) => string): Promise<void>
  /** A question to the API. */
  ask(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly text: string }>
  /** Somebody comes, sends one message and goes. */
  send(who: Who, letter: Letter): Promise<Answer>
  visit(who?: Who): Promise<Client>
  readonly contoso: Who
  readonly northwind: Who
  readonly fabrikam: Who
  /** Whatever reached a next hop with these words in it. */
  found(mark: string): readonly Arrival[]
  /** The first of it. It may be on its way. */
  arrival(mark: string): Promise<Arrival>
}

const sinkNames = ['contoso', 'northwind', 'fabrikam', 'outside'] as const
export type SinkName = (typeof sinkNames)[number]

let shared: Promise<Stage> | undefined
/** The one stage of all families of this run. */
export function sharedStage(): Promise<Stage> {
  shared ??= setStage()
  return shared
}

export async function endSharedStage(): Promise<void> {
  if (shared === undefined) return
  // What kept it from starting was told to whoever asked for it.
  const stage = await shared.catch(() => undefined)
  shared = undefined
  await stage?.[Symbol.asyncDispose]()
}

async function setStage(): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-border-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const dns = await startDns()
  stack.defer(() => dns.close())
  dns.addZone('')
  const sinks = {
    contoso: await startSink('contoso'),
    northwind: await startSink('northwind'),
    fabrikam: await startSink('fabrikam', { extensions: ['PIPELINING', 'SIZE 200000000', '8BITMIME'] }),
    outside: await startSink('outside', { extensions: usualExtensions.with(1, 'SIZE 200000000') }),
  }
  stack.defer(async () => void (await Promise.all(Object.values(sinks).map((sink) => sink.close()))))
  const authorities = {
    microsoft: makeCa({ name: 'Microsoft-like root' }),
    fabrikam: makeCa({ name: 'Fabrikam root' }),
    stranger: makeCa({ name: 'Fabrikam root' }),
  }
  const secret = randomBytes(24).toString('hex')
  layFiles(dir, authorities, secret)
  const project = join(dir, 'project.yaml')
  const text = projectText((name) => sinks[name].port)
  writeFileSync(project, text)
  const [host = '', dnsPort = ''] = dns.address.split(':')
  const gateway = await startGateway({ data: join(dir, 'data'), project, dns: { host, port: Number(dnsPort) } })
  stack.defer(async () => void (await gateway.stop()))
  const port = gateway.smtp[0]?.port ?? 0
  const outlook = issue({ ca: authorities.microsoft, names: [microsoftName] })
  const own = issue({ ca: authorities.fabrikam, names: ['mail.fabrikam.example'] })
  const found = (mark: string) =>
    sinkNames.flatMap((name) => sinks[name].arrivals.filter(({ raw }) => raw.includes(mark)))
  const ask: Stage['ask'] = async (method, path, body) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const headers = { authorization: `Bearer ${gateway.token}`, ...type }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(`${gateway.url}${path}`, { method, headers, ...sent })
    return { status: answer.status, text: await answer.text() }
  }
  const ending = stack.move()
  return {
    dir,
    port,
    gateway,
    dns,
    sinks,
    secret,
    authorities,
    project,
    contoso: fromMicrosoft(outlook),
    northwind: fromMicrosoft(outlook),
    fabrikam: { certificate: own, serverName: fabrikamServer },
    visit: (who) => visit(port, who),
    ask,
    async send(who, letter) {
      const client = await visit(port, who)
      try {
        return await submit(client, letter)
      } finally {
        client.destroy()
      }
    },
    found,
    arrival: (mark) =>
      until(
        `the message with ${mark}`,
        () => found(mark)[0],
        () => gateway.log(),
        5000,
      ),
    async apply(change) {
      writeFileSync(project, change(text))
      const { status, text: answer } = await ask('PUT', '/v1/project', { file: project })
      if (status !== 200) throw new Error(`${status} ${answer}`)
    },
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  }
}

/** Each of its many servers has an address of its own. */
const fromMicrosoft = (certificate: Issued): Who => ({ certificate, address: '127.0.40.1' })

function layFiles(dir: string, authorities: Stage['authorities'], secret: string): void {
  const gateway = issue({ ca: makeCa({ name: 'Root of the gateway' }), names: ['gw.example.net', fabrikamServer] })
  const files = {
    'gw.crt': gateway.chain,
    'gw.key': gateway.key,
    'microsoft.pem': authorities.microsoft.cert,
    'fabrikam.pem': authorities.fabrikam.cert,
    'contoso.secret': `${secret}\n`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o600 })
}

function projectText(portOf: (name: SinkName) => number): string {
  const hop = (name: SinkName) => `{ host: 127.0.0.1, port: ${portOf(name)}, tls: none }`
  const microsoft = `certificate: [${microsoftName}], ca: microsoft.pem, addresses: [127.0.40.0/24]`
  return `name: border
gateway: { hostname: gw.example.net, tls: { cert: gw.crt, key: gw.key } }
tenants:
  - name: contoso
    kind: exchange-online
    domains: [contoso.example]
    from: { ${microsoft}, secret: { header: ${secretHeader}, valueFile: contoso.secret }, organisation: ${organisations.contoso} }
    to: ${hop('contoso')}
    outbound: { smarthost: ${hop('outside')} }
  - name: northwind
    kind: exchange-online
    domains: [northwind.example]
    from: { ${microsoft}, organisation: ${organisations.northwind} }
    to: ${hop('northwind')}
    outbound: { smarthost: ${hop('outside')} }
  - name: fabrikam
    kind: smtp
    domains: [fabrikam.example]
    from: { certificate: [mail.fabrikam.example], ca: fabrikam.pem, serverName: ${fabrikamServer} }
    to: ${hop('fabrikam')}
    outbound: { smarthost: ${hop('outside')} }
directory:
  - { internal: john@contoso.example, external: john@shared.example }
  - { internal: nora@northwind.example, external: nora@shared.example }
  - { internal: ann@fabrikam.example, external: ann@shared.example, aliases: [ann@old.example] }
domains:
  - { name: shared.example, dkim: { selector: cw1, keyFile: shared.key } }
  - { name: open.example, unknown: { tenant: contoso } }
  - { name: held.example, mode: hold, unknown: { tenant: fabrikam } }
policy: { dmarc: report }
`
}
