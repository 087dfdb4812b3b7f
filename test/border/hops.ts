/**
 * Next hops that are hostile in their first words: a gateway whose tenants have such servers, one each, since what one has done
 * keeps the gateway from calling it again. The tenant `sender` is known by 127.0.0.1; its own server is the script of that
 * name. Strangers reach everybody. With `defer` nothing is kept: what a next hop does not take now comes back as 451.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issue, makeCa } from '../support/certificates.ts'
import { type Gateway, startGateway } from '../support/gateway.ts'
import type { PeerOptions } from '../support/scripted-smtp.ts'
import { type Sink, startSink } from './sink.ts'
import { type Answer, submit, visit } from './visitor.ts'

/** What the servers' certificates are verified against: a root, and the name `mx.hop.example`. */
export const hopRoot = makeCa({ name: 'Root of the hops' })
export const hopName = 'mx.hop.example'
export const good = issue({ ca: hopRoot, names: [hopName] })

export type HopOptions = PeerOptions & { readonly tlsPolicy?: 'required' | 'opportunistic' | 'none' }
/** Something that listens and is closed. */
export type Listening = Pick<Sink, 'port' | 'arrivals' | 'lines' | 'close'>

export type Hops = AsyncDisposable & {
  readonly gateway: Gateway
  readonly of: (name: string) => Listening
  /** To somebody behind that hop, from the tenant `sender`. */
  send(name: string, content: string, parameters?: string, person?: string): Promise<Answer>
}

export async function startHops(
  scripts: Readonly<Record<string, HopOptions | Listening>>,
  whenNextHopFails: 'defer' | 'queue' = 'defer',
): Promise<Hops> {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-hops-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const hops = new Map<string, Listening>()
  for (const [name, script] of Object.entries(scripts)) {
    const hop = 'close' in script ? script : await startSink(name, script)
    stack.defer(() => hop.close())
    hops.set(name, hop)
  }
  writeFileSync(join(dir, 'root.pem'), hopRoot.cert)
  const others = [...hops].filter(([name]) => name !== 'sender')
  const tenants = others.map(([name, { port }], i) => {
    const script = scripts[name]
    const policy = script !== undefined && 'tlsPolicy' in script ? script.tlsPolicy : undefined
    return tenantText(name, `127.0.60.${i + 1}`, port, policy ?? 'required')
  })
  const project = join(dir, 'project.yaml')
  const names = others.map(([name]) => name)
  writeFileSync(project, projectText(tenants.join(''), names, hops.get('sender')?.port ?? 9, whenNextHopFails))
  const gateway = await startGateway({ data: join(dir, 'data'), project })
  stack.defer(async () => void (await gateway.stop()))
  const of = (name: string): Listening => {
    const hop = hops.get(name)
    if (hop === undefined) throw new Error(`there is no hop ${name}`)
    return hop
  }
  const ending = stack.move()
  return {
    gateway,
    of,
    async send(name, content, parameters = '', person = 'u') {
      const client = await visit(gateway.smtp[0]?.port ?? 0, { address: '127.0.0.1', patienceMs: 40_000 })
      const letter = { from: `<s@sender.example>${parameters}`, to: [`<${person}@${name}.example>`], content }
      try {
        return await submit(client, letter)
      } finally {
        client.destroy()
      }
    },
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  }
}

const tenantText = (name: string, address: string, port: number, tls: string): string => `  - name: ${name}
    kind: smtp
    domains: [${name}.example]
    from: { addresses: [${address}] }
    to: { host: 127.0.0.1, port: ${port}, tls: ${tls}${tls === 'required' ? `, ca: root.pem, serverName: ${hopName}` : ''} }
`

const projectText = (tenants: string, names: readonly string[], home: number, whenFails: string): string => `name: hops
gateway: { hostname: gw.example.net }
tenants:
  - name: sender
    kind: smtp
    domains: [sender.example]
    from: { addresses: [127.0.0.1] }
    to: { host: 127.0.0.1, port: ${home}, tls: none }
${tenants}domains:
${names.map((name) => `  - { name: ${name}.example, unknown: { tenant: ${name} } }\n`).join('')}policy: { dmarc: ignore, whenNextHopFails: ${whenFails} }
`
