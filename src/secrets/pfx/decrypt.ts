/** What a password protects in a PKCS #12 file, made readable: the schemes of RFC 7292 appendix C and PBES2 (RFC 8018). */
import { createDecipheriv } from 'node:crypto'
import rc2 from 'node-forge/lib/rc2.js'
import util from 'node-forge/lib/util.js'
import { at, dotted, type Element, octets, wholeNumber } from '../der.ts'
import { type Budget, isTrouble, type Trouble } from './budget.ts'
import { type Password, pbkdf2Key, pkcs12Key, purpose } from './key-derivation.ts'

type Old = {
  readonly name: string
  readonly keyBytes: number
  readonly decipher: (key: Buffer, iv: Buffer, text: Buffer) => Buffer | undefined
}

const tripleDes = (key: Buffer, iv: Buffer, text: Buffer) => decipher('des-ede3-cbc', key, iv, text)

/** With keys made by PKCS #12's own derivation from SHA-1. */
const old = new Map<string, Old>([
  ['1.2.840.113549.1.12.1.3', { name: '3DES', keyBytes: 24, decipher: tripleDes }],
  [
    '1.2.840.113549.1.12.1.4',
    {
      name: '3DES with two keys',
      keyBytes: 16,
      decipher: (key, iv, text) => tripleDes(Buffer.concat([key, key.subarray(0, 8)]), iv, text),
    },
  ],
  ['1.2.840.113549.1.12.1.5', { name: 'RC2-128', keyBytes: 16, decipher: rc2Decipher }],
  ['1.2.840.113549.1.12.1.6', { name: 'RC2-40', keyBytes: 5, decipher: rc2Decipher }],
])

const pbes2 = '1.2.840.113549.1.5.13'
const ciphers = new Map([
  ['2.16.840.1.101.3.4.1.2', { name: 'aes-128-cbc', keyBytes: 16 }],
  ['2.16.840.1.101.3.4.1.22', { name: 'aes-192-cbc', keyBytes: 24 }],
  ['2.16.840.1.101.3.4.1.42', { name: 'aes-256-cbc', keyBytes: 32 }],
  ['1.2.840.113549.3.7', { name: 'des-ede3-cbc', keyBytes: 24 }],
])

export type Opener = {
  readonly password: Password
  readonly budget: Budget /** Old schemes that were met. */
  readonly old: Set<string>
}

/** `algorithm` is the AlgorithmIdentifier beside the text. */
export function decrypt(algorithm: Element | undefined, text: Buffer, opener: Opener): Buffer | Trouble {
  const id = dotted(at(algorithm, 0))
  if (id === pbes2) return modern(at(algorithm, 1), text, opener)
  const scheme = old.get(id)
  if (scheme === undefined) return { trouble: 'unsupported', detail: `the encryption ${id || 'without a name'}` }
  opener.old.add(scheme.name)
  const { password, budget } = opener
  const from = {
    digest: 'sha1',
    password,
    salt: octets(at(algorithm, 1, 0)),
    iterations: wholeNumber(at(algorithm, 1, 1)),
  } as const
  const key = pkcs12Key({ ...from, length: scheme.keyBytes }, purpose.key, budget)
  if (isTrouble(key)) return key
  const iv = pkcs12Key({ ...from, length: 8 }, purpose.iv, budget)
  if (isTrouble(iv)) return iv
  return scheme.decipher(key, iv, text) ?? { trouble: 'password' }
}

function modern(parameters: Element | undefined, text: Buffer, { password, budget }: Opener): Buffer | Trouble {
  const cipher = ciphers.get(dotted(at(parameters, 1, 0)))
  if (cipher === undefined) return { trouble: 'unsupported', detail: `the cipher ${dotted(at(parameters, 1, 0))}` }
  const key = pbkdf2Key(at(parameters, 0), password.plain, cipher.keyBytes, budget)
  if (isTrouble(key)) return key
  return decipher(cipher.name, key, octets(at(parameters, 1, 1)), text) ?? { trouble: 'password' }
}

/** undefined: a wrong key, as far as padding tells. */
function decipher(name: string, key: Buffer, iv: Buffer, text: Buffer): Buffer | undefined {
  try {
    const stream = createDecipheriv(name, key, iv)
    return Buffer.concat([stream.update(text), stream.final()])
  } catch {
    return undefined
  }
}

/** OpenSSL 3 has RC2 in a module that Node does not load. Windows exported with RC2-40 until 2019, and can be told to still. */
function rc2Decipher(key: Buffer, iv: Buffer, text: Buffer): Buffer | undefined {
  const cipher = rc2.createDecryptionCipher(key.toString('latin1'), key.length * 8)
  cipher.start(iv.toString('latin1'))
  cipher.update(util.createBuffer(text.toString('latin1')))
  return cipher.finish() ? Buffer.from(cipher.output.getBytes(), 'latin1') : undefined
}
