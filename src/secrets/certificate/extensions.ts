/**
 * What X.509 extensions say about who may issue what, where Node has no words for it (RFC 5280 section 4.2): an authority
 * that was allowed to issue names of one company must not speak for another.
 */
import type { X509Certificate } from 'node:crypto'
import { at, dotted, type Element, elements, inside, octets, wholeNumber } from '../der.ts'

type Extension = { readonly id: string; readonly isCritical: boolean; readonly value: Element | undefined }

const id = { keyUsage: '2.5.29.15', basicConstraints: '2.5.29.19', nameConstraints: '2.5.29.30' }

/** RFC 5280 section 4.2: a critical extension that is not understood makes the certificate unusable. */
const understood = new Set([
  ...Object.values(id),
  '2.5.29.17', // subjectAltName
  '2.5.29.37', // extKeyUsage
  // Policies: nothing is demanded of them, so nothing about them can fail.
  '2.5.29.32',
  '2.5.29.33',
  '2.5.29.36',
  '2.5.29.54',
])

const known = new WeakMap<X509Certificate, readonly Extension[]>()

function extensionsOf(certificate: X509Certificate): readonly Extension[] {
  const before = known.get(certificate)
  if (before !== undefined) return before
  const body = at(elements(certificate.raw)[0], 0)
  const found = inside(
    at(
      inside(body).find(({ tag }) => tag === 0xa3),
      0,
    ),
  ).map((extension) => {
    const parts = inside(extension)
    const isCritical = parts.length === 3 && parts[1]?.content[0] !== 0
    return { id: dotted(parts[0]), isCritical, value: elements(octets(parts.at(-1)))[0] }
  })
  known.set(certificate, found)
  return found
}

/** A sentence part when the certificate demands something that we do not know. */
export function unknownDemand(certificate: X509Certificate): string | undefined {
  const strange = extensionsOf(certificate).find((e) => e.isCritical && !understood.has(e.id))
  return strange === undefined ? undefined : `has the critical extension ${strange.id}, which is not understood`
}

/** Why an authority may not issue what stands `below` intermediates under it and carries these names. */
export function authorityProblem(
  authority: X509Certificate,
  below: number,
  names: readonly string[],
): string | undefined {
  if (!authority.ca) return 'is no authority'
  const extension = (wanted: string) => extensionsOf(authority).find((e) => e.id === wanted)?.value
  const usage = extension(id.keyUsage)
  // Bit 5 is keyCertSign; the first byte of a BIT STRING counts unused bits.
  if (usage !== undefined && ((usage.content[1] ?? 0) & 0x04) === 0) return 'may not sign certificates'
  const deepest = wholeNumber(inside(extension(id.basicConstraints)).find(({ tag }) => tag === 0x02))
  if (deepest !== undefined && below > deepest) return `may have no more than ${deepest} authorities below it`
  const outside = names.find((name) => !isAllowed(name, extension(id.nameConstraints)))
  return outside === undefined ? undefined : `may not issue certificates for ${outside}`
}

/** RFC 5280 section 4.2.1.10, for DNS names. */
function isAllowed(name: string, constraints: Element | undefined): boolean {
  const trees = (tag: number): readonly string[] =>
    inside(inside(constraints).find((e) => e.tag === tag)).flatMap((subtree) => {
      const base = at(subtree, 0)
      return base?.tag === 0x82 ? [base.content.toString('latin1').toLowerCase()] : []
    })
  const permitted = trees(0xa0)
  return (
    (permitted.length === 0 || permitted.some((tree) => isWithin(name, tree))) &&
    !trees(0xa1).some((tree) => isWithin(name, tree))
  )
}

function isWithin(name: string, tree: string): boolean {
  const host = name.replace(/^\*\./, '')
  const top = tree.replace(/^\./, '')
  return top === '' || host.endsWith(`.${top}`) || (host === top && !tree.startsWith('.'))
}
