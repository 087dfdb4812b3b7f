/** The project file of the demo, with everything that it names. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { writeKeyPair } from '../certificates/certificates.ts'
import type { Lab, LabTenant } from '../start.ts'
import { ann, annShown, bob, bobShown, gatewayHost, john, johnMoved, johnShared, mary, maryShared } from './cast.ts'

/** Writes it into the folder and gives its path. */
export function writeProject(dir: string, lab: Lab): string {
  writeFileSync(join(dir, 'ca.pem'), lab.ca.cert)
  const document = {
    name: 'two tenants, one domain',
    gateway: { hostname: gatewayHost, tls: writeKeyPair(dir, 'gateway', lab.gatewayIdentity) },
    tenants: lab.tenants.map((each) => tenantDocument(dir, each)),
    directory: [
      { internal: john.address, external: johnShared, aliases: [johnMoved.address] },
      { internal: mary.address, external: maryShared },
      { internal: ann.address, external: annShown },
      { internal: bob.address, external: bobShown },
    ],
    domains: [
      { name: 'shared.example', unknown: 'reject', dkim: { selector: 'cw1' } },
      { name: 'source.example', unknown: { tenant: 'source' }, dkim: { selector: 'cw1' } },
      { name: 'target.example', unknown: { tenant: 'target' }, dkim: { selector: 'cw1' } },
    ],
  }
  const file = join(dir, 'project.yaml')
  writeFileSync(file, stringify(document, { lineWidth: 0 }))
  return file
}

function tenantDocument(dir: string, { plan, tenant, gatewayIdentity }: LabTenant) {
  const { name, domains, secret } = plan
  if (secret !== undefined) writeFileSync(join(dir, `${name}.secret`), `${secret.value}\n`, { mode: 0o600 })
  return {
    name,
    kind: 'exchange-online',
    domains,
    from: {
      certificate: [domains[0]],
      ca: 'ca.pem',
      ...(secret === undefined ? {} : { secret: { header: secret.header, valueFile: `${name}.secret` } }),
    },
    to: {
      host: tenant.hostname,
      port: tenant.port,
      tls: 'required',
      ca: 'ca.pem',
      certificate: writeKeyPair(dir, name, gatewayIdentity),
    },
    outbound: 'return',
  }
}
