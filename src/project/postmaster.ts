/** Who reads the mail for the postmaster of the gateway itself. */
import { type Address, domainKey, parseAddress } from '../mail/address/address.ts'
import type { Gateway } from './model.ts'
import { show } from './names.ts'
import type { Reading } from './reading.ts'
import type { Territory } from './territory.ts'

const path = ['gateway', 'postmaster']
const remedy = 'Write an address of one of the tenants, such as postmaster@contoso.com.'

export function readPostmaster(reading: Reading, text: string): Address | undefined {
  const address = parseAddress(text)
  if (address !== undefined && domainKey(address.domain) !== '') return address
  return reading.wrong(path, `gateway.postmaster is ${show(text)}, which is not an address.`, remedy)
}

/** Strangers write to it, so it must not lie outside: we would relay for everybody. */
export function checkPostmaster(
  reading: Reading,
  postmaster: Gateway['postmaster'],
  territory: Territory | undefined,
): void {
  if (postmaster === undefined || territory === undefined) return
  const domain = domainKey(postmaster.domain)
  if (territory.tenantOf(domain) !== undefined || territory.isServed(domain)) return
  const what = `gateway.postmaster is ${show(postmaster.text)}, and ${domain} is neither a domain of a tenant nor under domains.`
  reading.wrong(path, what, remedy)
}
