/**
 * PKCS #12 files (PFX): a certificate, its chain and its key under a password, as Windows, OpenSSL and Java export them.
 *
 * Promises: reads the old ciphers too (3DES, RC2); no file makes it work for more than some seconds, whatever counts are
 *   written into it, and what stands inside what is encrypted is held to the same budget.
 * Never: repeats a password; takes a file of more than 64 KiB.
 * On failure: why, as words that end a sentence, and what to do.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { at, dotted, elements, octets, wholeNumber } from '../der.ts'
import { type Contents, readSafe } from './bags.ts'
import { isTrouble, makeBudget, maxIterations, type Trouble } from './budget.ts'
import { decrypt, type Opener } from './decrypt.ts'
import { type Password, passwordForms } from './key-derivation.ts'
import { checkMac } from './mac.ts'

export const maxPfxBytes = 64 * 1024

export type Pfx = {
  /** The one that the key is for comes first, then the authorities above it, as far as they are there. */
  readonly certificates: readonly X509Certificate[]
  readonly key: KeyObject | undefined
  readonly friendlyName: string
  /** Ciphers that are given up elsewhere, and were used here. */
  readonly oldCiphers: readonly string[]
}
export type Refused = { readonly ok: false; readonly why: string; readonly remedy: string }
export type PfxAnswer = { readonly ok: true; readonly pfx: Pfx } | Refused

export function readPfx(bytes: Buffer, password: string): PfxAnswer {
  if (bytes.length > maxPfxBytes)
    return refused(
      `has ${bytes.length} bytes, too many for what it should be`,
      'Export one certificate with its chain and key.',
    )
  const content = open(bytes, password)
  if (isTrouble(content)) return explained(content)
  const pfx = assemble(content)
  return pfx === undefined
    ? explained({ trouble: 'damaged' })
    : { ok: true, pfx: { ...pfx, oldCiphers: content.oldCiphers } }
}

export type KeyAnswer = { readonly ok: true; readonly key: KeyObject } | Refused

/** A private key in PKCS #8 form under a password (RFC 5958 section 3), within the same budget. */
export function readEncryptedKey(der: Buffer, text: string): KeyAnswer {
  const [top] = elements(der)
  const [password] = passwordForms(text)
  if (password === undefined) return explained({ trouble: 'password' })
  const plain = decrypt(at(top, 0), octets(at(top, 1)), { password, budget: makeBudget(), old: new Set() })
  if (isTrouble(plain)) return explained(plain)
  try {
    return { ok: true, key: createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }) }
  } catch {
    return explained({ trouble: 'password' })
  }
}

type Opened = Contents & { readonly oldCiphers: readonly string[] }

function open(bytes: Buffer, text: string): Opened | Trouble {
  const [top] = elements(bytes)
  // RFC 7292 section 4: version 3; the safe is data, or signed, which nobody does.
  if (wholeNumber(at(top, 0)) !== 3 || dotted(at(top, 1, 0)) !== '1.2.840.113549.1.7.1') return { trouble: 'damaged' }
  const safe = octets(at(top, 1, 1, 0))
  const macData = at(top, 2)
  const budget = makeBudget()
  let password: Password | undefined
  for (const form of passwordForms(text)) {
    const isRight = macData === undefined || checkMac(macData, safe, form, budget)
    if (typeof isRight !== 'boolean') return isRight
    if (isRight) password ??= form
  }
  if (password === undefined) return { trouble: 'password' }
  const opener: Opener = { password, budget, old: new Set() }
  const contents: Contents = { certificates: [], keys: [] }
  return readSafe(safe, opener, contents) ?? { ...contents, oldCiphers: [...opener.old] }
}

/** undefined when a certificate or key in it cannot be read. */
function assemble({ certificates, keys }: Contents): Omit<Pfx, 'oldCiphers'> | undefined {
  try {
    const all = certificates.map(({ der, friendlyName }) => ({ friendlyName, certificate: new X509Certificate(der) }))
    const [first] = keys
    const key = first === undefined ? undefined : createPrivateKey({ key: first.der, format: 'der', type: 'pkcs8' })
    const leaf = all.find(({ certificate }) => key !== undefined && certificate.checkPrivateKey(key)) ?? all[0]
    const friendlyName = leaf?.friendlyName || first?.friendlyName || ''
    if (leaf === undefined) return { certificates: [], key, friendlyName }
    return {
      certificates: inOrder(
        leaf.certificate,
        all.map(({ certificate }) => certificate),
      ),
      key,
      friendlyName,
    }
  } catch {
    return undefined
  }
}

/** From the leaf up, each issued by the next; the others are left out, and so is a root, which nobody needs to be shown. */
function inOrder(leaf: X509Certificate, all: readonly X509Certificate[]): readonly X509Certificate[] {
  const chain = [leaf]
  for (;;) {
    const last = chain.at(-1)
    const next = all.find(
      (one) =>
        last?.checkIssued(one) === true && last.verify(one.publicKey) && !one.checkIssued(one) && !chain.includes(one),
    )
    if (next === undefined) return chain
    chain.push(next)
  }
}

function explained(t: Trouble): Refused {
  switch (t.trouble) {
    case 'password':
      return refused(
        'cannot be opened: the password is wrong',
        'Put the right password into the password file; one final line end is not part of it.',
      )
    case 'damaged':
      return refused('is not a PKCS #12 file', 'Export certificate and key as .pfx or .p12 again.')
    case 'slow':
      return refused(
        `would take too long to open: its password is to be hashed ${t.detail} times, and ${maxIterations} in all is the limit`,
        'Export it again with an ordinary count, such as 2048.',
      )
    case 'unsupported':
      return refused(
        `uses ${t.detail}, which cannot be read`,
        'Export it again: openssl pkcs12 -legacy -in OLD.pfx -nodes -out all.pem, then openssl pkcs12 -export -in all.pem -out NEW.pfx.',
      )
  }
}

const refused = (why: string, remedy: string): Refused => ({ ok: false, why, remedy })
