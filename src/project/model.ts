/** What a project is once it is loaded: plain frozen values, everything that the file names already read. */
import type { Address } from '../mail/address/address.ts'
import type { ProjectDocument } from './schema.ts'
import type { RoutingTable } from './table.ts'

export type TlsPolicy = 'required' | 'opportunistic' | 'none'

/** A certificate with the authorities above it, and its key: PEM, whatever file they came from. */
export type Identity = { readonly cert: Buffer; readonly key: Buffer }

/** Where mail is handed to, and how. `serverName` is verified when `tls` is required. */
export type NextHop = {
  readonly host: string
  readonly port: number
  readonly tls: TlsPolicy
  readonly serverName: string
  /** PEM; the public roots when absent. */
  readonly ca?: Buffer
  /** What we present. */
  readonly identity?: Identity
}

export type Outbound =
  | { readonly kind: 'return' }
  | { readonly kind: 'handover' }
  | { readonly kind: 'direct' }
  | { readonly kind: 'smarthost'; readonly hop: NextHop }

/** A connection belongs to the tenant when everything holds that stands here; empty lists demand nothing. */
export type Demands = {
  /** Lower case; `*.contoso.example` covers one label. */
  readonly certificate: readonly string[]
  readonly ca?: Buffer
  /** CIDR. */
  readonly addresses: readonly string[]
  readonly serverName?: string
  /** `previousValue` counts as well while one value is exchanged for another. */
  readonly secret?: { readonly header: string; readonly value: string; readonly previousValue?: string }
  /** An Exchange Online organisation as Microsoft names it in a header field. Proves nothing without Microsoft's certificate. */
  readonly organisation?: { readonly header: string; readonly value: string }
}

export type Tenant = {
  readonly name: string
  readonly kind: 'exchange-online' | 'smtp'
  /** Accepted domains as domainKey; the first is the default. */
  readonly domains: readonly string[]
  /** As domainKey. */
  readonly alsoSends: readonly string[]
  readonly from: Demands
  readonly to: NextHop
  readonly outbound: Outbound
}

export type DomainMode = 'open' | 'hold' | 'retry-later'

/** `keyFile` is an absolute path or `vault:NAME`; what does not exist yet is made on first use. */
export type DkimKey = { readonly selector: string; readonly keyFile: string }

export type ServedDomain = {
  /** As domainKey. */
  readonly name: string
  readonly mode: DomainMode
  readonly unknown: { readonly kind: 'reject' } | { readonly kind: 'tenant'; readonly tenant: string }
  readonly dkim?: DkimKey & { readonly ed25519?: DkimKey }
}

export type Policy = {
  readonly fields: 'full' | 'edge'
  readonly calendar: boolean
  readonly reports: boolean
  readonly ambiguousFrom: 'refuse' | 'pass'
  readonly dmarc: 'honour' | 'report' | 'ignore'
  /** As domainKey. */
  readonly trustedArcSealers: readonly string[]
  /** Addresses as addressKey, domains as domainKey, `*.` before a domainKey. */
  readonly notRewrittenFor: readonly string[]
  readonly whenNextHopFails: 'queue' | 'defer'
  /** In the queue this long, its sender is told of the delay; this much longer one, it goes back. */
  readonly warnAfterMs: number
  readonly returnAfterMs: number
}

/** What we seal with (RFC 8617); RSA. */
export type ArcKey = DkimKey & { readonly domain: string }

/** What is not given follows from the machine (docs/limits.md). */
export type GatewayLimits = {
  readonly messageBytes?: number
  readonly recipients?: number
  readonly connections?: number
  readonly connectionsPerSource?: number
  readonly connectionsPerTenant?: number
  readonly unknownRecipients?: number
}

export type Gateway = {
  readonly hostname: string
  /** CIDR: balancers, whose connections begin with a PROXY header. */
  readonly proxies?: readonly string[]
  readonly tls?: Identity
  readonly arc?: ArcKey
  /** Who reads the mail for `postmaster` at our hostname; nobody outside. */
  readonly postmaster?: Address
  /** Free space below which no mail is taken. */
  readonly diskReserveBytes?: number
  readonly limits?: GatewayLimits
}

export type Project = {
  readonly name: string
  /** The path that it was loaded from. */
  readonly file: string
  readonly gateway: Gateway
  readonly tenants: readonly Tenant[]
  readonly domains: readonly ServedDomain[]
  readonly policy: Policy
  readonly table: RoutingTable
  /** As it stands in the file. The directory in it is overtaken by `table` as soon as an entry changes. */
  readonly document: ProjectDocument
}
