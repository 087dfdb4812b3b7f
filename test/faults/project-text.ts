/**
 * The project that most faults run with: the tenant contoso sends from 127.0.0.1, every other tenant gets mail at a hop of
 * its own. Nothing is rewritten in it, so that a message must arrive byte for byte.
 */
export type Place = { readonly host: string; readonly port: number }

export type ProjectOptions = {
  /** Tenants beside contoso, each with its hop; NAME has the domain NAME.example. */
  readonly hops: { readonly [name: string]: Place }
  /** Where reports to contoso's senders go. */
  readonly home: Place
  /** What contoso writes to the outside: to this host, or by MX. */
  readonly outside?: Place | 'direct'
  /** People of fabrikam as the world sees them. */
  readonly shared?: 'open' | 'hold' | 'retry-later'
  /** Lines below `domains` and `directory`, `  - {...}`. */
  readonly domains?: string
  readonly directory?: string
  /** Lines below `policy`. */
  readonly policy?: string
}

export function projectText(o: ProjectOptions): string {
  const { outside = 'direct' } = o
  const tenants = Object.entries(o.hops).map(([name, hop], i) => tenant(name, `127.0.3.${i + 1}/32`, hop))
  const way = outside === 'direct' ? 'direct' : `{ smarthost: ${placeText(outside)} }`
  return `name: faults
gateway: { hostname: gw.example.net }
tenants:
${tenant('contoso', '127.0.0.1/32', o.home)}    outbound: ${way}
${tenants.join('')}domains:
  - { name: shared.example, mode: ${o.shared ?? 'open'} }
${o.domains ?? ''}directory:
  - { internal: "@fabrikam.example", external: "@shared.example" }
${o.directory ?? ''}${o.policy === undefined ? '' : `policy:\n${o.policy}`}`
}

const placeText = ({ host, port }: Place): string => `{ host: ${host}, port: ${port}, tls: none }`

const tenant = (name: string, address: string, hop: Place): string => `  - name: ${name}
    kind: smtp
    domains: [${name}.example]
    from: { addresses: [${address}] }
    to: ${placeText(hop)}
`
