/** A copy of a project's document that points at a lab instead of the real tenants. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { entryText, type Project, type ProjectDocument } from '../../project/project.ts'
import { writeKeyPair } from '../certificates/certificates.ts'
import { addressOf, type Lab } from '../start.ts'

export type Rehearsal = {
  /** The changed project file. */
  readonly file: string
  /** What had to be changed beyond names, ports and certificates, in sentences. */
  readonly notes: readonly string[]
}

type TenantDocument = ProjectDocument['tenants'][number]

/** Writes the changed copy and what it names into the folder. The project itself is not touched. */
export function writeRehearsal(project: Project, lab: Lab, dir: string): Rehearsal {
  writeFileSync(join(dir, 'ca.pem'), lab.ca.cert)
  const notes: string[] = []
  const { document } = project
  const copy = {
    ...document,
    gateway: gatewayCopy(document.gateway, lab, dir),
    tenants: document.tenants.map((tenant, i) => tenantCopy({ project, lab, dir, notes }, tenant, i)),
    directory: Array.from(project.table.entries(), (entry) => entryText(entry)),
    directoryFiles: [],
    domains: (document.domains ?? []).map((domain) => ({ ...domain, mode: 'open', ...keysOf(domain) })),
  }
  const file = join(dir, 'project.yaml')
  writeFileSync(file, stringify(copy, { lineWidth: 0 }))
  return { file, notes }
}

type Desk = { readonly project: Project; readonly lab: Lab; readonly dir: string; readonly notes: string[] }

function tenantCopy({ project, lab, dir, notes }: Desk, tenant: TenantDocument, index: number): object {
  const played = lab.tenants[index]
  if (played === undefined) throw new Error(`the lab does not play ${tenant.name}`)
  const { from, outbound, ...rest } = tenant
  const secret = project.tenants[index]?.from.secret
  if (secret !== undefined) writeFileSync(join(dir, `secret-${index}`), `${secret.value}\n`, { mode: 0o600 })
  if (outbound !== undefined && outbound !== 'return' && outbound !== 'handover') {
    notes.push(`${tenant.name}: outbound is played as return; the lab has no server at port 25 of other hosts`)
  }
  return {
    ...rest,
    from: {
      ...from,
      ...(from.certificate === undefined ? {} : { ca: 'ca.pem' }),
      ...(from.addresses === undefined ? {} : { addresses: [`${addressOf(index)}/32`] }),
      ...(secret === undefined ? {} : { secret: { header: secret.header, valueFile: `secret-${index}` } }),
    },
    to: {
      host: played.tenant.hostname,
      port: played.tenant.port,
      tls: 'required',
      ca: 'ca.pem',
      certificate: writeKeyPair(dir, `tenant-${index}`, played.gatewayIdentity),
    },
    outbound: outbound === 'handover' ? 'handover' : 'return',
  }
}

/** Keys of the lab's own, in the vault of its gateway: the real ones stay where they are. */
function keysOf({ dkim }: NonNullable<ProjectDocument['domains']>[number]): object {
  if (dkim === undefined) return {}
  const { selector, ed25519 } = dkim
  return { dkim: { selector, ...(ed25519 === undefined ? {} : { ed25519: { selector: ed25519.selector } }) } }
}

function gatewayCopy({ arc, ...gateway }: ProjectDocument['gateway'], lab: Lab, dir: string): object {
  const seal = arc === undefined ? {} : { arc: { domain: arc.domain, selector: arc.selector } }
  return { ...gateway, ...seal, tls: writeKeyPair(dir, 'gateway', lab.gatewayIdentity) }
}
