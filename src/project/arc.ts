/** ARC: the key that we seal with, and whose seals are believed. */
import { domainKey } from '../mail/address/address.ts'
import type { ArcKey } from './model.ts'
import { isSelector, show } from './names.ts'
import type { Reading } from './reading.ts'
import type { ProjectDocument } from './schema.ts'
import { compileSigningKey } from './signing-key.ts'
import type { Path } from './yaml-file.ts'

export function compileArcKey(
  reading: Reading,
  path: Path,
  arc: NonNullable<ProjectDocument['gateway']['arc']>,
): ArcKey {
  const domain = readDomain(reading, [...path, 'domain'], 'gateway.arc.domain', arc.domain)
  if (!isSelector(arc.selector))
    reading.wrong(
      [...path, 'selector'],
      `gateway.arc.selector is ${show(arc.selector)}, which is not a selector.`,
      'Use letters, digits and hyphens, such as arc1.',
    )
  return { domain, ...compileSigningKey(reading, path, arc, 'rsa', domain) }
}

export function readSealers(reading: Reading, sealers: readonly string[]): readonly string[] {
  return sealers.map((text, i) =>
    readDomain(reading, ['policy', 'trustedArcSealers', i], 'policy.trustedArcSealers', text),
  )
}

function readDomain(reading: Reading, path: Path, field: string, text: string): string {
  const key = domainKey(text)
  if (key === '')
    reading.wrong(path, `${field} has ${show(text)}, which is not a domain.`, 'Write a domain such as lists.example.')
  return key
}
