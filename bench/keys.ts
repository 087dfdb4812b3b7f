/** Keys and certificates for one run, the same for both servers: RSA-2048, as most of the servers out there have. */
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './processes.ts'

export type Keys = {
  /** PEM files. */
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly dkim: string
  /** The public DKIM key as its record has it in `p=`. */
  readonly dkimPublic: string
}

export const selector = 's1'

export async function makeKeys(dir: string): Promise<Keys> {
  const file = (name: string): string => join(dir, name)
  const [caKey, ca, key, request, cert] = ['ca.key', 'ca.crt', 'server.key', 'server.csr', 'server.crt'].map(file)
  if (!caKey || !ca || !key || !request || !cert) throw new Error('unreachable')
  const rsa = ['-newkey', 'rsa:2048', '-nodes']
  await run(['openssl', 'req', '-x509', ...rsa, '-days', '3', '-keyout', caKey, '-out', ca, '-subj', '/CN=Bench CA'])
  await run(['openssl', 'req', ...rsa, '-keyout', key, '-out', request, '-subj', '/CN=localhost'])
  writeFileSync(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const issuer = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '3', '-extfile', file('names')]
  await run(['openssl', 'x509', '-req', '-in', request, ...issuer, '-out', cert])
  return { ca, cert, key, ...makeDkim(file('dkim.key')) }
}

function makeDkim(file: string): Pick<Keys, 'dkim' | 'dkimPublic'> {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(file, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  return { dkim: file, dkimPublic: pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64') }
}

export const pem = (file: string): string => readFileSync(file, 'utf8')
