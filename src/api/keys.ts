/** The DKIM keys of the project: for the relay, which makes them on first use, and for showing. */
import type { ArcKey, Project, ServedDomain } from '../project/project.ts'
import { servedDomain } from '../project/project.ts'
import type { KeyRing } from '../relay/carry/carry.ts'
import type { ExistingKeys } from '../relay/explain/explain.ts'
import type { Signer } from '../relay/sign/sign.ts'
import { type KeyAnswer, type KeyKind, type KeyVault, readDkimKey } from '../secrets/secrets.ts'
import type { Vault } from '../secrets/vault/vault.ts'

/** `place`: the path of a file, or `vault:NAME`. */
export type KeyPlace = { readonly selector: string; readonly place: string; readonly kind: KeyKind }

/** Keys lie among the secrets of the project: named by it, replaced and removed like the others. */
export const keyVault = (vault: Vault): Required<KeyVault> => ({
  read: (name) => vault.read('project', name),
  keep: (name, value) => void vault.write('project', name, value, 'causeway'),
})

/** Where the keys of a domain lie, RSA first. */
export function keyPlaces(domain: ServedDomain): readonly KeyPlace[] {
  const { dkim } = domain
  if (dkim === undefined) return []
  const rsa: KeyPlace = { selector: dkim.selector, place: dkim.keyFile, kind: 'rsa' }
  return dkim.ed25519 === undefined
    ? [rsa]
    : [rsa, { selector: dkim.ed25519.selector, place: dkim.ed25519.keyFile, kind: 'ed25519' }]
}

/** Where the key of the gateway's ARC seals lies. */
export const arcPlace = ({ selector, keyFile }: ArcKey): KeyPlace => ({ selector, place: keyFile, kind: 'rsa' })

const algorithm = { rsa: 'rsa-sha256', ed25519: 'ed25519-sha256' } as const

/** How long a key stays in memory before its file is looked at again: no message waits for the disk. */
const freshMs = 5000

/** Keys for the relay; one that is missing is made. */
export function makeKeyRing(now: () => number, vault: KeyVault): KeyRing {
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
      for (const { selector, place, kind } of placesOf(project, domain, purpose)) {
        const answer = readDkimKey(place, kind, { create: true, vault })
        if (answer.kind !== 'found') return { trouble: answer.kind === 'bad' ? answer.why : `the key ${place} is gone` }
        signers.push({ domain, selector, algorithm: algorithm[kind], key: answer.key })
      }
      held.set(name, { project, until: now() + freshMs, signers })
      return { signers }
    },
  }
}

/** Keys for an explanation, which makes none. */
export function existingKeys(vault?: KeyVault): ExistingKeys {
  return (project, domain, purpose) => {
    const signers: Signer[] = []
    const missing: string[] = []
    for (const { selector, place, kind } of placesOf(project, domain, purpose)) {
      const answer = readDkimKey(place, kind, { create: false, ...(vault && { vault }) })
      if (answer.kind === 'found') signers.push({ domain, selector, algorithm: algorithm[kind], key: answer.key })
      else missing.push(missingKey(place, answer))
    }
    return { signers, missing }
  }
}

function missingKey(place: string, answer: Exclude<KeyAnswer, { kind: 'found' }>): string {
  return answer.kind === 'bad'
    ? `${answer.why}: ${answer.remedy}`
    : `the key ${place} does not exist yet: it would be made on first use`
}

/** What the keys are read from has not changed. */
const isSame = (a: Project, b: Project): boolean => a.domains === b.domains && a.gateway === b.gateway

function placesOf(project: Project, domain: string, purpose?: 'seal'): readonly KeyPlace[] {
  const { arc } = project.gateway
  if (purpose === 'seal' && arc?.domain === domain) return [arcPlace(arc)]
  const served = servedDomain(project, domain)
  return served === undefined ? [] : keyPlaces(served)
}
