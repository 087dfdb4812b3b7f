/** What goes into DNS for a key. */
import { createPublicKey, type KeyObject } from 'node:crypto'

/** Text of the key record (RFC 6376 section 3.6.1, RFC 8463 section 4) for a private or public RSA or Ed25519 key. */
export function dkimRecord(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  if (publicKey.asymmetricKeyType === 'rsa') return `v=DKIM1; k=rsa; p=${spki.toString('base64')}`
  // RFC 8463 section 4.2: the 32 bytes themselves, which end the SubjectPublicKeyInfo (RFC 8410 section 4).
  return `v=DKIM1; k=ed25519; p=${spki.subarray(-32).toString('base64')}`
}

/** A TXT record is a row of strings of at most 255 bytes (RFC 1035 section 3.3); readers join them without a gap. */
export function recordParts(text: string): readonly string[] {
  const parts: string[] = []
  for (let at = 0; at < text.length || at === 0; at += 255) parts.push(text.slice(at, at + 255))
  return parts
}

/** One line of a zone file (RFC 1035 section 5.1) for an ASCII text. `name` is taken as complete. */
export function zoneLine(name: string, text: string): string {
  const strings = recordParts(text).map((part) => `"${part.replace(/["\\]/g, '\\$&')}"`)
  return `${name.replace(/\.$/, '')}. IN TXT ${strings.join(' ')}`
}
