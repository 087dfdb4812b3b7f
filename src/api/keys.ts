/** The DKIM keys of the project: for the relay, which makes them on first use, and for showing. */
import type { ArcKey, Project, ServedDomain } from '../project/project.ts'
import { servedDomain } from '../project/project.ts'
import type { KeyRing } from '../relay/carry/carry.ts'
import type { ExistingKeys } from '../relay/explain/explain.ts'
import type { Signer } from '../relay/sign/sign.ts'
import { type KeyKind, readDkimKey } from '../secrets/secrets.ts'

export type KeyPlace = { readonly selector: string; readonly file: string; readonly kind: KeyKind }

/** Where the keys of a domain lie, RSA first. */
export function keyPlaces(domain: ServedDomain): readonly KeyPlace[] {
  const { dkim } = domain
  if (dkim === undefined) return []
  const rsa: KeyPlace = { selector: dkim.selector, file: dkim.keyFile, kind: 'rsa' }
  return dkim.ed25519 === undefined
    ? [rsa]
    : [rsa, { selector: dkim.ed25519.selector, file: dkim.ed25519.keyFile, kind: 'ed25519' }]
}

/** Where the key of the gateway's ARC seals lies. */
export const arcPlace = ({ selector, keyFile }: ArcKey): KeyPlace => ({ selector, file: keyFile, kind: 'rsa' })

const algorithm = { rsa: 'rsa-sha256', ed25519: 'ed25519-sha256' } as const

/** How long a key stays in memory before its file is looked at again: no message waits for the disk. */
const freshMs = 5000

/** Keys for the relay; one that is missing is made. */
export function makeKeyRing(now: () => number): KeyRing {
  const held = new Map<
    string,
    { readonly project: Project; readonly until: number; readonly signers: readonly Signer[] }
  >()
  return {
    async signers(project, domain, purpose) {
      const name = `${purpose ?? 'sign'} ${domain}`
      const known = held.get(name)
      if (known !== undefined && isSame(known.project, project) && now() < known.until) return known
      const signers: Signer[] = []
      for (const place of placesOf(project, domain, purpose)) {
        const answer = readDkimKey(place.file, place.kind, { create: true })
        if (answer.kind !== 'found')
          return { trouble: answer.kind === 'bad' ? answer.why : `the key ${place.file} is gone` }
        signers.push({ domain, selector: place.selector, algorithm: algorithm[place.kind], key: answer.key })
      }
      held.set(name, { project, until: now() + freshMs, signers })
      return { signers }
    },
  }
}

/** Keys for an explanation, which makes none. */
export const existingKeys: ExistingKeys = (project, domain, purpose) => {
  const signers: Signer[] = []
  const toBeMade: string[] = []
  for (const place of placesOf(project, domain, purpose)) {
    const answer = readDkimKey(place.file, place.kind, { create: false })
    if (answer.kind === 'found')
      signers.push({ domain, selector: place.selector, algorithm: algorithm[place.kind], key: answer.key })
    else toBeMade.push(answer.kind === 'bad' ? `${place.file} (${answer.why})` : place.file)
  }
  return { signers, toBeMade }
}

/** What the keys are read from has not changed. */
const isSame = (a: Project, b: Project): boolean => a.domains === b.domains && a.gateway === b.gateway

function placesOf(project: Project, domain: string, purpose?: 'seal'): readonly KeyPlace[] {
  const { arc } = project.gateway
  if (purpose === 'seal' && arc?.domain === domain) return [arcPlace(arc)]
  const served = servedDomain(project, domain)
  return served === undefined ? [] : keyPlaces(served)
}
