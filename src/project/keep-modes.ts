/** The mode of a domain of which a file says nothing stays as it is: a hold must not end because a file was edited elsewhere. */
import { domainKey } from '../mail/address/address.ts'
import type { DomainMode, Project } from './model.ts'
import type { ProjectDocument } from './schema.ts'

type DomainDocument = NonNullable<ProjectDocument['domains']>[number]

/** What taking `next` in place of `before` makes. */
export function keepModes(before: Project | undefined, next: Project): Project {
  const inNext = new Map(next.document.domains?.map(({ name, mode }) => [domainKey(name), mode]))
  const kept = new Map<string, DomainMode>()
  for (const { name, mode } of before?.domains ?? [])
    if (mode !== 'open' && inNext.has(name) && inNext.get(name) === undefined) kept.set(name, mode)
  if (kept.size === 0) return next
  const domains = next.domains.map((domain) => ({ ...domain, mode: kept.get(domain.name) ?? domain.mode }))
  const inFile = next.document.domains?.map((domain) => written(domain, kept.get(domainKey(domain.name))))
  return Object.freeze({ ...next, domains, document: { ...next.document, ...(inFile && { domains: inFile }) } })
}

/** Domains whose mail is held from now on, and was not before. */
export function newlyHeld(before: Project | undefined, after: Project | undefined): readonly string[] {
  const were = new Set(before?.domains.filter(({ mode }) => mode === 'hold').map(({ name }) => name))
  const are = after?.domains.filter(({ mode, name }) => mode === 'hold' && !were.has(name)) ?? []
  return are.map(({ name }) => name)
}

/** In the order in which a file that is read has its fields, so that an export is the same after a restart. */
function written(domain: DomainDocument, mode: DomainMode | undefined): DomainDocument {
  const { name, mode: _, ...rest } = domain
  return mode === undefined ? domain : { name, mode, ...rest }
}
