/** Addresses and domains in the form in which they are compared, which is the directory's. */
import { addressKey, domainKey, parseAddress } from '../mail/address/address.ts'

/** '' for the null sender. What is no address is compared as it stands, without case. */
export function keyOf(address: string): string {
  const parsed = parseAddress(address)
  return parsed === undefined ? address.toLowerCase() : addressKey(parsed)
}

export function keyOfDomain(domain: string): string {
  return domainKey(domain) || domain.toLowerCase()
}

/** Sender and recipient as one text. A NUL is in neither. */
export function lineOf(senderKey: string, recipientKey: string): string {
  return `${senderKey}\0${recipientKey}`
}
