/** What a PKCS #12 file holds once it is open: certificates, keys, and the names that they were given (RFC 7292 section 4.2). */
import { at, dotted, type Element, elements, inside, octets, tags } from '../der.ts'
import { isTrouble, type Trouble } from './budget.ts'
import { decrypt, type Opener } from './decrypt.ts'

export type Contents = {
  /** DER. */
  readonly certificates: { readonly der: Buffer; readonly friendlyName: string }[]
  /** PKCS #8, DER. */
  readonly keys: { readonly der: Buffer; readonly friendlyName: string }[]
}

const data = '1.2.840.113549.1.7.1'
const encryptedData = '1.2.840.113549.1.7.6'
const bag = {
  key: '1.2.840.113549.1.12.10.1.1',
  shroudedKey: '1.2.840.113549.1.12.10.1.2',
  certificate: '1.2.840.113549.1.12.10.1.3',
  bags: '1.2.840.113549.1.12.10.1.6',
}
const maxDepth = 8

/** AuthenticatedSafe: parts, each in the clear or encrypted as a whole. */
export function readSafe(safe: Buffer, opener: Opener, into: Contents): Trouble | undefined {
  const [parts] = elements(safe)
  if (parts?.tag !== tags.sequence) return { trouble: 'damaged' }
  for (const part of inside(parts)) {
    const content = partContent(part, opener)
    const trouble = isTrouble(content) ? content : readBags(elements(content)[0], opener, into, maxDepth)
    if (trouble !== undefined) return trouble
  }
  return undefined
}

function partContent(part: Element, opener: Opener): Buffer | Trouble {
  const kind = dotted(at(part, 0))
  if (kind === data) return octets(at(part, 1, 0))
  if (kind !== encryptedData) return { trouble: 'unsupported', detail: `the part ${kind || 'without a name'}` }
  const content = at(part, 1, 0, 1)
  return decrypt(at(content, 1), octets(at(content, 2)), opener)
}

function readBags(bags: Element | undefined, opener: Opener, into: Contents, depth: number): Trouble | undefined {
  // What a wrong password leaves is nothing, when there was no seal to tell it by.
  if (bags?.tag !== tags.sequence) return { trouble: 'password' }
  if (depth === 0) return { trouble: 'damaged' }
  for (const one of inside(bags)) {
    const trouble = readBag(one, opener, into, depth)
    if (trouble !== undefined) return trouble
  }
  return undefined
}

function readBag(one: Element, opener: Opener, into: Contents, depth: number): Trouble | undefined {
  const value = at(one, 1, 0)
  const friendlyName = nameOf(at(one, 2))
  switch (dotted(at(one, 0))) {
    case bag.certificate:
      into.certificates.push({ der: octets(at(value, 1, 0)), friendlyName })
      return undefined
    case bag.key:
      into.keys.push({ der: value?.whole ?? Buffer.alloc(0), friendlyName })
      return undefined
    case bag.shroudedKey: {
      const der = decrypt(at(value, 0), octets(at(value, 1)), opener)
      if (isTrouble(der)) return der
      into.keys.push({ der, friendlyName })
      return undefined
    }
    case bag.bags:
      return readBags(value, opener, into, depth - 1)
    default:
      return undefined // revocation lists and other people's secrets
  }
}

const friendlyNameId = '1.2.840.113549.1.9.20'

/** BMPString: UTF-16, big end first. */
function nameOf(attributes: Element | undefined): string {
  const attribute = inside(attributes).find((one) => dotted(at(one, 0)) === friendlyNameId)
  const bytes = Buffer.from(at(attribute, 1, 0)?.content ?? [])
  return bytes.length % 2 === 0 ? bytes.swap16().toString('utf16le') : ''
}
