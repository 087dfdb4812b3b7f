/** The words of a next hop, for somebody who must not see another tenant's addresses and hosts. */
import { isIP } from 'node:net'
import { type Address, addressKey, domainKey, parseAddress } from '../../mail/address/address.ts'
import { mapAddressesIn } from '../../mail/report/report.ts'
import { type Project, type Tenant } from '../../project/project.ts'
import { isStrangeHost } from './strange-hosts.ts'

/** An address of the envelope: what the sender wrote, and what the next hop was given. */
export type AsWritten = { readonly given: string; readonly rewritten: string }

/** Who reads, and what he knows: worked out once for a message, which may have thousands of recipients. */
export type Reader = {
  readonly project: Project
  readonly own: Tenant | undefined
  readonly others: readonly Tenant[]
  /** Keys of the addresses that he wrote; by those that next hops were given, too. */
  readonly given: ReadonlyMap<string, string>
  /** Domains that the world writes to. */
  readonly served: ReadonlySet<string>
  /** Those, and the ones that he has written to. */
  readonly known: ReadonlySet<string>
  /** Hosts that mail is handed to. */
  readonly hosts: ReadonlySet<string>
}

/** `tenant` is the sender's; without one he is of the internet, to whom no tenant shows anything. */
export function readerOf(project: Project, tenant: string | undefined, written: readonly AsWritten[]): Reader {
  const others = project.tenants.filter(({ name }) => name !== tenant)
  const served = new Set(project.domains.map(({ name }) => name))
  const keyed = (side: keyof AsWritten) => written.map((pair) => [keyOf(pair[side]), pair.given] as const)
  return {
    project,
    own: project.tenants.find(({ name }) => name === tenant),
    others,
    // What he wrote himself stays what it is.
    given: new Map([...keyed('rewritten'), ...keyed('given')]),
    served,
    known: new Set([...served, ...written.map(({ given }) => domainOf(given))]),
    hosts: new Set(others.flatMap(({ to }) => [to.host.toLowerCase(), to.serverName.toLowerCase()])),
  }
}

/**
 * The words about one recipient, with addresses as the sender wrote them or the world knows them, and `[server]` for `names`
 * and for all hosts of other tenants. `names` are of a server of another tenant: beside them every name and address of a host
 * in its words is one that the reader has no business with (RFC 3464 section 4.2).
 */
export function wordsFor(reader: Reader, about: AsWritten, words: string, names: readonly string[] = []): string {
  return withoutHosts(
    reader,
    mapAddressesIn(withGiven(words, about), (address) => shownAs(reader, address)),
    names,
  )
}

/** In any case and any place: also where no reader of addresses would find one. */
function withGiven(words: string, { given, rewritten }: AsWritten): string {
  if (given === rewritten) return words
  const literally = rewritten.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
  return words.replaceAll(new RegExp(String.raw`(?<![\w.-])${literally}(?![\w-]|\.\w)`, 'gi'), () => given)
}

function shownAs(reader: Reader, found: Address): { readonly to: string; readonly entry: string } | undefined {
  if (reader.given.get(addressKey(found)) === found.text) return { to: found.text, entry: '' }
  // What stands before an address in the words of servers: 'john@a.example', orcpt=john@a.example.
  const isQuoted = found.text.startsWith('"')
  const [prefix = ''] = isQuoted ? [] : (/^(?:.*=)?[^\w\u0080-\u{10ffff}]*/u.exec(found.text) ?? [])
  const address = parseAddress(found.text.slice(prefix.length)) ?? found
  const given = reader.given.get(addressKey(address))
  if (given !== undefined) return { to: prefix + given, entry: '' }
  const domain = domainKey(address.domain)
  if (reader.own !== undefined && isUnder(reader.own, domain)) return undefined
  const { to, entry } = reader.project.table.external(address)
  if (entry !== undefined) return { to: prefix + to, entry: entry.id }
  return isHidden(reader, domain, reader.served) ? { to: `${prefix}[address]`, entry: '' } : undefined
}

/** Names of two labels at least and addresses of hosts; not the domain of a mail address. */
const host =
  /(?<![\w.@-])(?:[\w-]{1,63}\.){1,20}[\w-]{1,63}(?![\w-])|(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])/gi

function withoutHosts(reader: Reader, words: string, names: readonly string[]): string {
  const hidden = new Set(names.map((name) => name.toLowerCase()))
  const isForeign = (key: string, name: string, at: number): boolean =>
    names.length > 0 && (isIP(key) !== 0 || (!isKnown(reader, key) && isStrangeHost(words, at, name)))
  return words.replaceAll(host, (name, at: number) => {
    const key = name.toLowerCase()
    return hidden.has(key) || isForeign(key, name, at) || reader.hosts.has(key) || isHidden(reader, key, reader.known)
      ? '[server]'
      : name
  })
}

/** It is the reader's own, ours, or a domain that he has written to or everybody writes to. */
function isKnown({ own, known, project }: Reader, key: string): boolean {
  return known.has(key) || (own !== undefined && isUnder(own, key)) || key === project.gateway.hostname.toLowerCase()
}

/** In a domain of another tenant; such a domain itself may be no secret. */
function isHidden({ own, others }: Reader, key: string, open: ReadonlySet<string>): boolean {
  if (open.has(key) || (own !== undefined && isUnder(own, key))) return false
  return others.some((tenant) => isUnder(tenant, key))
}

function isUnder({ domains }: Tenant, key: string): boolean {
  return domains.some((domain) => `.${key}`.endsWith(`.${domain}`))
}

function keyOf(text: string): string {
  const address = parseAddress(text)
  return address === undefined ? text : addressKey(address)
}

function domainOf(address: string): string {
  return domainKey(address.slice(address.lastIndexOf('@') + 1))
}
