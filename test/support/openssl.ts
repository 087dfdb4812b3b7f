/** The openssl command: certificates and PKCS #12 files as other programs make them, with everything that can be wrong with one. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export function openssl(cwd: string, ...args: readonly string[]): Buffer {
  return execFileSync('openssl', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 })
}

export type Wanted = {
  /** As openssl writes it: `/CN=contoso.example`. */
  readonly subject?: string
  /** Default EC P-256. */
  readonly key?: 'ec' | `rsa:${number}` | 'secp256k1'
  readonly digest?: 'sha256' | 'sha1' | 'md5'
  /** NAME of the certificate that signs; without one it signs itself. */
  readonly ca?: string
  /** Lines of an extension file. */
  readonly extensions?: readonly string[]
  readonly days?: number
  readonly more?: readonly string[]
}

export const asAuthority = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']

/** NAME.crt and NAME.key in `dir`. */
export function makeCertificate(dir: string, name: string, w: Wanted): void {
  const key = w.key ?? 'ec'
  const kind = key.startsWith('rsa:')
    ? ['-newkey', key]
    : ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${key === 'ec' ? 'prime256v1' : key}`]
  writeFileSync(join(dir, 'req.cnf'), '[req]\ndistinguished_name=dn\nstring_mask=utf8only\n[dn]\n')
  const subject = w.subject ?? `/CN=${name}`
  const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`]
  openssl(dir, 'req', '-new', '-config', 'req.cnf', '-nodes', '-utf8', ...kind, '-subj', subject, ...files)
  writeFileSync(join(dir, 'ext.cnf'), `${(w.extensions ?? []).join('\n')}\n`)
  const signer = w.ca === undefined ? ['-signkey', `${name}.key`] : ['-CA', `${w.ca}.crt`, '-CAkey', `${w.ca}.key`]
  const terms = ['-days', `${w.days ?? 30}`, `-${w.digest ?? 'sha256'}`, '-set_serial', `${serial++}`]
  const io = ['-in', `${name}.csr`, '-extfile', 'ext.cnf', '-out', `${name}.crt`]
  openssl(dir, 'x509', '-req', ...io, ...signer, ...terms, ...(w.more ?? []))
}
let serial = 1000
