/** The load balancers before the gateway: whoever connects from there says first who the client is. */
import { networksOverlap, readNetwork, show } from './names.ts'
import type { Reading } from './reading.ts'
import type { ReadTenant } from './tenants.ts'
import type { Path } from './yaml-file.ts'

export function readBalancers(reading: Reading, path: Path, networks: readonly string[]): readonly string[] {
  return networks.flatMap((text, i) => {
    const network = readNetwork(text)
    if ('cidr' in network) return [network.cidr]
    reading.wrong(
      [...path, i],
      `gateway.proxies has ${show(text)}, which ${network.why}.`,
      'Write the address of a balancer, such as 10.0.0.5, or a network such as 10.0.0.0/24.',
    )
    return []
  })
}

/** A health check of the balancer comes from its own address, and would be taken for the tenant's mail. */
export function checkBalancers(reading: Reading, balancers: readonly string[], tenants: readonly ReadTenant[]): void {
  balancers.forEach((balancer, i) => {
    for (const { value } of tenants) {
      const shared = value.from.addresses.find((network) => networksOverlap(network, balancer))
      if (shared === undefined) continue
      reading.warn(
        ['gateway', 'proxies', i],
        `gateway.proxies has ${balancer}, which is also an address of tenant ${value.name} (${shared}).`,
        'Behind a balancer a tenant is known by its own addresses, which the PROXY header tells; list those.',
      )
    }
  })
}
