/** Zones as plain data that may change at run time. Names are compared in lower case, without the final dot. */

export type DnsRecord =
  | { readonly name: string; readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly name: string; readonly type: 'MX'; readonly exchange: string; readonly preference: number }
  | { readonly name: string; readonly type: 'TXT'; readonly text: string }
  | { readonly name: string; readonly type: 'CNAME' | 'NS'; readonly target: string }

export type RecordType = DnsRecord['type']

/** What the server does instead of answering for a name. `truncated` is about UDP only: over TCP the answer is whole. */
export type Fault = 'servfail' | 'refused' | 'timeout' | 'truncated'

export type Found =
  | { readonly kind: 'records'; readonly records: readonly DnsRecord[]; readonly zone: string }
  /** RFC 2308 section 2.2: the name exists, the type does not. */
  | { readonly kind: 'nodata'; readonly records: readonly DnsRecord[]; readonly zone: string }
  | { readonly kind: 'nxdomain'; readonly records: readonly DnsRecord[]; readonly zone: string }
  | { readonly kind: 'not ours' }

export const nameKey = (name: string): string => name.toLowerCase().replace(/\.$/, '')

/** Chains of CNAME longer than this are cut: a loop must end. */
const maxChain = 8

export class Zones {
  readonly #origins = new Set<string>()
  readonly #records = new Map<string, DnsRecord[]>()

  /** '' is the root: then every name has an answer. */
  addZone(origin: string): void {
    this.#origins.add(nameKey(origin))
  }

  add(record: DnsRecord): void {
    const key = nameKey(record.name)
    this.#records.set(key, [...(this.#records.get(key) ?? []), record])
  }

  remove(name: string, type?: RecordType): void {
    const key = nameKey(name)
    const left = (this.#records.get(key) ?? []).filter((record) => type !== undefined && record.type !== type)
    if (left.length === 0) this.#records.delete(key)
    else this.#records.set(key, left)
  }

  zoneOf(name: string): string | undefined {
    const labels = nameKey(name).split('.')
    const candidates = labels.map((_, i) => labels.slice(i).join('.'))
    return [...candidates, ''].find((origin) => this.#origins.has(origin))
  }

  /** RFC 1034 section 4.3.2, without wildcards and delegations. */
  find(name: string, type: string): Found {
    const chain: DnsRecord[] = []
    for (let asked = nameKey(name); ; ) {
      const zone = this.zoneOf(asked)
      if (zone === undefined) return { kind: 'not ours' }
      const here = this.#records.get(asked) ?? []
      const wanted = here.filter((record) => record.type === type)
      if (wanted.length > 0) return { kind: 'records', records: [...chain, ...wanted], zone }
      const alias = here.find((record) => record.type === 'CNAME')
      if (alias?.type !== 'CNAME' || chain.length >= maxChain) {
        return { kind: this.#exists(asked) ? 'nodata' : 'nxdomain', records: chain, zone }
      }
      chain.push(alias)
      asked = nameKey(alias.target)
    }
  }

  /** A name exists when it has records or when something below it has (RFC 8020). */
  #exists(key: string): boolean {
    if (this.#records.has(key) || this.#origins.has(key)) return true
    return [...this.#records.keys()].some((name) => name.endsWith(`.${key}`))
  }
}
