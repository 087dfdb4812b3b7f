/** What is allowed in a directory and still deserves a look: `causeway directory check`. */
import { addressKey, parseAddress } from '../mail/address/address.ts'
import type { Entry } from './entry.ts'
import { type Problem, problem } from './findings.ts'
import type { Project } from './model.ts'
import { isUnder } from './names.ts'
import { aliasWarnings, domainOf, makeTerritory, type Territory } from './territory.ts'

export function checkDirectory(p: Project): Problem[] {
  const territory = makeTerritory(p.tenants, p.domains)
  const entries = [...p.table.entries()]
  const wildcards = entries.filter((e) => e.kind === 'wildcard')
  return [
    ...entries.flatMap((e) => [
      ...aliasWarnings(e, territory),
      ...shadowed(e, p),
      ...unanswered(e, p, territory),
      ...wholesale(e, territory),
    ]),
    ...wildcards.flatMap((e) => flattened(e, entries)),
  ]
}

/**
 * A domain entry does not cover a local part whose result an exact entry claims. Where the same person holds both
 * addresses that is as it should be; otherwise the other address is nobody's.
 */
function shadowed(e: Entry, p: Project): readonly Problem[] {
  if (e.kind !== 'exact') return []
  const own = e.outboundOnly ? [e.internal, ...e.aliases] : [e.internal, e.external, ...e.aliases]
  return [...new Set(own)].flatMap((text) => {
    const over = p.table.domainEntry(domainOf(text))
    const other = over === undefined ? undefined : counterpart(text, over)
    if (over === undefined || other === undefined || isClaimed(other, p)) return []
    const why = `${other} is left as it is, although ${over.id} covers its domain: it would become ${text}, which belongs to ${e.id}.`
    return [
      problem(
        e.source,
        why,
        `If ${other} is a person, give them an entry of their own; if it is the same person, add it as an alias.`,
      ),
    ]
  })
}

/** The address that the domain entry makes this one of, or into. */
function counterpart(text: string, over: Entry): string | undefined {
  const domain = `@${domainOf(text)}`
  const other = over.internalKey === domain ? over.externalKey : over.internalKey
  return other === domain ? undefined : text.slice(0, text.lastIndexOf('@')) + other
}

function isClaimed(text: string, p: Project): boolean {
  const address = parseAddress(text)
  // An entry for the way out claims too: then the address is rewritten, if only outwards.
  return address !== undefined && p.table.external(address).entry !== undefined
}

/** Replies to an address that nobody has come back as refusals. */
function unanswered(e: Entry, p: Project, territory: Territory): readonly Problem[] {
  if (!e.outboundOnly || e.kind !== 'exact') return []
  const address = parseAddress(e.external)
  const domain = domainOf(e.external)
  const served = p.domains.find((d) => d.name === domain)
  if (address === undefined || p.table.person(address) !== undefined) return []
  if (served?.unknown.kind === 'tenant' || (served === undefined && territory.tenantOf(domain) !== undefined)) return []
  return [
    problem(
      e.source,
      `Nobody in the directory has ${e.external}: replies to ${e.internal} will be refused.`,
      'Add an entry for it, or an alias to the entry of the person who answers.',
    ),
  ]
}

/** A domain entry over a domain in which another tenant has mailboxes takes the mail of all of them. */
function wholesale(e: Entry, territory: Territory): readonly Problem[] {
  if (e.kind !== 'domain' || e.outboundOnly || e.internalKey === e.externalKey) return []
  const home = territory.tenantOf(domainOf(e.internal))
  const owner = territory.tenantOf(domainOf(e.external))
  if (owner === undefined || owner === home) return []
  const text = `${e.id} takes the mail of everybody at ${e.external}, which is a domain of tenant ${owner}, to tenant ${home}.`
  return [problem(e.source, text, `People whose mailbox is in ${owner} need entries of their own.`)]
}

/** Many domains become one: the same name in two of them, and a name that somebody has there already. */
function flattened(wildcard: Entry, entries: readonly Entry[]): readonly Problem[] {
  const inside = new Set(
    entries.filter((e) => e.kind === 'exact' && isUnder(domainOf(e.internal), wildcard.internalKey.slice(2))),
  )
  const taken = entries.filter(
    (e) => e.kind === 'exact' && !inside.has(e) && e.externalKey.endsWith(wildcard.externalKey),
  )
  const names = [...new Set(taken.map((e) => keyOf(e.external)))]
  if (names.length === 0) return []
  const some = names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '')
  const text = `${wildcard.id} leaves people alone whose name is taken in ${wildcard.external} by somebody else: ${some}.`
  return [problem(wildcard.source, text, 'If such a person exists there too, give them an entry of their own.')]
}

function keyOf(text: string): string {
  const address = parseAddress(text)
  return address === undefined ? text : addressKey(address)
}
