/** Certificates of a project that run out, or have: the gateway's, those shown to tenants, the authorities in its files. */
import { X509Certificate } from 'node:crypto'
import type { NextHop, Project } from './model.ts'

/** `stage`: the last of these days before the end that was reached; 0 when it is over. */
export type Expiry = {
  /** Where it stands in the project: `gateway.tls`, `tenants.contoso.to.certificate`. */
  readonly place: string
  readonly subject: string
  readonly notAfter: Date
  readonly stage: 30 | 14 | 7 | 1 | 0
  readonly text: string
  /** What to do. */
  readonly advice: string
}

const stages = [1, 7, 14, 30] as const
const dayMs = 24 * 60 * 60 * 1000

/** Those that run out within 30 days, the next one first. */
export function expiring(project: Project, now: Date): readonly Expiry[] {
  const found = bundles(project).flatMap(({ place, pem }) =>
    certificatesOf(pem).flatMap((certificate) => judge(place, certificate, now) ?? []),
  )
  return found.sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime())
}

type Bundle = { readonly place: string; readonly pem: Buffer | undefined }

function bundles({ gateway, tenants }: Project): readonly Bundle[] {
  return [
    { place: 'gateway.tls', pem: gateway.tls?.cert },
    ...tenants.flatMap(({ name, from, to, outbound }) => [
      { place: `tenants.${name}.from.ca`, pem: from.ca },
      ...ofHop(`tenants.${name}.to`, to),
      ...(outbound.kind === 'smarthost' ? ofHop(`tenants.${name}.outbound.smarthost`, outbound.hop) : []),
    ]),
  ]
}

const ofHop = (place: string, hop: NextHop): readonly Bundle[] => [
  { place: `${place}.certificate`, pem: hop.identity?.cert },
  { place: `${place}.ca`, pem: hop.ca },
]

/** What the file of a project holds was found to be readable when it was loaded. */
const read = new WeakMap<Buffer, readonly X509Certificate[]>()

function certificatesOf(pem: Buffer | undefined): readonly X509Certificate[] {
  if (pem === undefined) return []
  const known = read.get(pem)
  if (known !== undefined) return known
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  const certificates = blocks.map((block) => new X509Certificate(block))
  read.set(pem, certificates)
  return certificates
}

function judge(place: string, certificate: X509Certificate, now: Date): Expiry | undefined {
  const notAfter = certificate.validToDate
  const days = Math.floor((notAfter.getTime() - now.getTime()) / dayMs)
  const stage = days < 0 ? 0 : stages.find((limit) => days <= limit)
  if (stage === undefined) return undefined
  const subject = certificate.subject.replaceAll('\n', ', ').slice(0, 200)
  const when = `on ${notAfter.toISOString().slice(0, 10)}`
  const state = stage === 0 ? `expired ${when}` : `expires ${when}, ${days === 1 ? '1 day' : `${days} days`} from now`
  const text = `the certificate "${subject}" of ${place} ${state}`
  return { place, subject, notAfter, stage, text, advice: 'put a renewed one into its file, it is taken by itself' }
}
