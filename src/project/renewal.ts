/**
 * Renewed certificates are taken without a word from anybody: every minute the files that the project names are looked at, and read again
 * when one has changed. Once a day, and whenever that happens, the certificates that run out are told.
 */
import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { secretNamed } from '../secrets/vault/vault.ts'
import { type Expiry, expiring } from './expiring.ts'
import type { LiveProject } from './live.ts'
import type { Project } from './model.ts'
import type { HopDocument, IdentityDocument } from './schema.ts'

export type Renewal = {
  readonly live: LiveProject
  readonly now: () => Date
  /** Files that were read again. */
  readonly onRenewed: (files: readonly string[]) => void
  /** Why what has changed cannot be used; what was there before stays in use. */
  readonly onTrouble: (why: string) => void
  readonly onExpiring: (expiry: Expiry) => void
  /** Default: a minute. */
  readonly everyMs?: number
}

export function watchFiles(r: Renewal): { look(): void; close(): void } {
  const files = makeFileWatch(r)
  const expiry = makeExpiryWatch(r)
  const look = (): void => {
    files()
    expiry()
  }
  look()
  const clock = setInterval(look, r.everyMs ?? 60_000)
  clock.unref()
  return { look, close: () => clearInterval(clock) }
}

function makeFileWatch({ live, onRenewed, onTrouble }: Renewal): () => void {
  let project: Project | undefined
  let stamps = new Map<string, string>()
  let told = ''
  return () => {
    const current = live.current()
    if (current === undefined) return
    const seen = stampsOf(current)
    // Another project was applied: it read its files itself.
    const changed =
      current.document === project?.document ? [...seen.keys()].filter((f) => seen.get(f) !== stamps.get(f)) : []
    if (current.document !== project?.document) stamps = seen
    project = current
    if (changed.length === 0) return
    const again = live.reread()
    // While certificate and key do not fit yet the stamps stay as they were, so that it is tried again in a minute.
    const why = again.ok ? '' : again.problems.map((p) => `${p.text} ${p.remedy}`).join(' ')
    if (why !== '' && why !== told) onTrouble(why)
    told = why
    if (!again.ok) return
    stamps = seen
    onRenewed(changed)
  }
}

/** Each certificate at each stage once; from the last day on every day. */
function makeExpiryWatch({ live, now, onExpiring }: Renewal): () => void {
  let told = new Map<string, string>()
  return () => {
    const current = live.current()
    if (current === undefined) return
    const today = now()
    const next = new Map<string, string>()
    for (const expiry of expiring(current, today)) {
      const key = `${expiry.place} ${expiry.subject} ${expiry.notAfter.getTime()}`
      next.set(key, stageOf(expiry, today))
      if (told.get(key) !== next.get(key)) onExpiring(expiry)
    }
    told = next
  }
}

const stageOf = ({ stage }: Expiry, today: Date): string =>
  stage <= 1 ? `${stage} ${today.toISOString().slice(0, 10)}` : String(stage)

/** What the file looks like from outside; a link that points elsewhere now is another file. */
function stampsOf(project: Project): Map<string, string> {
  const folder = dirname(resolve(project.file))
  return new Map(
    namedFiles(project).map((name) => {
      const file = resolve(folder, name)
      return [file, stampOf(file)]
    }),
  )
}

function stampOf(file: string): string {
  try {
    const { mtimeNs, size, ino, dev } = statSync(file, { bigint: true })
    return `${mtimeNs} ${size} ${ino} ${dev}`
  } catch {
    return ''
  }
}

/** Certificates, keys, passwords, secrets, authorities. Directory files are read when they are applied or imported only. */
function namedFiles({ document: { gateway, tenants } }: Project): readonly string[] {
  const named = [
    ...ofIdentity(gateway.tls),
    ...tenants.flatMap(({ from, to, outbound }) => [
      from.ca,
      from.secret?.valueFile,
      from.secret?.previousValueFile,
      ...ofHop(to),
      ...(typeof outbound === 'object' ? ofHop(outbound.smarthost) : []),
    ]),
  ]
  return named.flatMap((name) => (name === undefined || secretNamed(name) !== undefined ? [] : [name]))
}

type Named = readonly (string | undefined)[]
const ofIdentity = (identity: IdentityDocument | undefined): Named => Object.values(identity ?? {})
const ofHop = ({ ca, certificate }: HopDocument): Named => [ca, ...ofIdentity(certificate)]
