/** Envelope senders that are made anew for each try, so that one who comes back has another one than before. */
import { type Address, parseAddress } from '../mail/address/address.ts'
import { keyOfDomain } from './compare.ts'

/**
 * What all envelope senders have in common that may stand for the same message: their domain, and what is left of the local
 * part without what changes. undefined: this one stays as it is, as that of a person does.
 */
export function familyOf(sender: string): string | undefined {
  const address = parseAddress(sender)
  const name = address && nameOf(address)
  return address === undefined || name === undefined ? undefined : `${name}@${keyOfDomain(address.domain)}`
}

function nameOf({ form, local }: Address): string | undefined {
  const text = local.toLowerCase()
  switch (form) {
    case 'verp':
      return 'verp:'
    case 'srs':
      return `srs:${behindTags.exec(text)?.[1] ?? ''}`
    case 'batv':
      return `batv:${withoutNumbers(text.slice(text.lastIndexOf('=') + 1))}`
    case 'person':
      return isNumbered.test(text) ? withoutNumbers(text) : undefined
    case 'imceaex':
      return undefined
  }
}

/** SRS0=HHH=TT=domain=local, and user+SRS=HHH=TT=domain=user: hash and day change, the address that is forwarded does not. */
const behindTags = /srs0?[-+=][^=]*=[^=]*=(.*)$/

/** A number that no person has: bounce-20981234, 0100018c9f3ad1e2-000000. */
const isNumbered = /\d{4}|(?<![\da-f])(?=[a-f]{0,8}\d)[\da-f]{8}/

function withoutNumbers(text: string): string {
  return text.replaceAll(/[\da-f]+/g, (run) => (/\d/.test(run) ? '#' : run))
}
