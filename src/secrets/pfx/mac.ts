/** The seal over a PKCS #12 file, by which a wrong password is known (RFC 7292 section 4, PBMAC1 of RFC 9579). */
import { createHmac } from 'node:crypto'
import { at, dotted, type Element, octets, wholeNumber } from '../der.ts'
import { type Budget, isTrouble, type Trouble } from './budget.ts'
import { digests, hmacs, type Password, pbkdf2Key, pkcs12Key, purpose } from './key-derivation.ts'

const pbmac1 = '1.2.840.113549.1.5.14'

/** true: the password is right and the content as it was sealed. */
export function checkMac(macData: Element, content: Buffer, password: Password, budget: Budget): boolean | Trouble {
  const algorithm = at(macData, 0, 0)
  const id = dotted(at(algorithm, 0))
  const digest = id === pbmac1 ? hmacs.get(dotted(at(algorithm, 1, 1, 0))) : digests.get(id)
  if (digest === undefined) return { trouble: 'unsupported', detail: `the seal ${id || 'without a name'}` }
  const wanted = octets(at(macData, 0, 1))
  const count = at(macData, 2)
  // RFC 9579 section 5: the length of the key stands in the parameters.
  const keyBytes = Math.min(wholeNumber(at(algorithm, 1, 0, 1, 2)) ?? wanted.length, 1024)
  const derivation = { digest, password, salt: octets(at(macData, 1)), length: wanted.length }
  const key =
    id === pbmac1
      ? pbkdf2Key(at(algorithm, 1, 0), password.plain, keyBytes, budget)
      : pkcs12Key({ ...derivation, iterations: count === undefined ? 1 : wholeNumber(count) }, purpose.mac, budget)
  if (isTrouble(key)) return key
  return createHmac(digest, key).update(content).digest().equals(wanted)
}
