/**
 * Certificates for the lab and for tests, made on the spot: a root, what it issues, and every way for one to be wrong.
 * X.509 v3 (RFC 5280) with EC P-256 keys.
 *
 * Promises: right now and for some days valid for servers and clients alike, unless a way to be wrong was asked for.
 * Never: is trusted by anything that was not handed its root; is written to the disk unless asked.
 * On failure: throws, since nothing here depends on the outside.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { bits, context, integer, octets, oid, raw, sequence, set, text, time, truth } from './der.ts'

const day = 24 * 60 * 60 * 1000

/** A certificate with its key as PEM. `chain` is what a server presents: the leaf, then intermediates, no root. */
export type Issued = { readonly cert: string; readonly key: string; readonly chain: string; readonly der: Buffer }

export type Ca = Signer & { readonly name: string; readonly parent?: Ca | undefined }

type Signer = Issued & { readonly privateKey: KeyObject; readonly keyId: Buffer }

export type IssueOptions = {
  /** Who signs; without one the certificate signs itself. */
  readonly ca?: Ca
  /** DNS names and IP addresses for subjectAltName. */
  readonly names: readonly string[]
  /** Default: the first name. */
  readonly commonName?: string
  /** Leave subjectAltName away, so that only the common name is there. */
  readonly withoutSan?: boolean
  readonly expired?: boolean
  readonly notYetValid?: boolean
  /** Extended key usage; default both. `mail` is for S/MIME, and for no connection. */
  readonly usage?: 'server' | 'client' | 'both' | 'mail'
}

/** A root, or with `parent` an intermediate below it. */
export function makeCa(o: { readonly name?: string; readonly parent?: Ca } = {}): Ca {
  const name = o.name ?? 'Test root'
  const extensions = [
    critical('2.5.29.19', sequence(truth(true))), // basicConstraints: cA
    critical('2.5.29.15', bits(Buffer.from([0x06]), 1)), // keyUsage: keyCertSign, cRLSign
  ]
  const made = certificate({ subject: name, extensions, from: -30 * day, to: 30 * day, ca: o.parent })
  return { ...made, name, parent: o.parent }
}

export function issue(o: IssueOptions): Issued {
  const from = o.expired ? -20 * day : o.notYetValid ? 10 * day : -day
  const to = o.expired ? -10 * day : 20 * day
  const subject = o.commonName ?? o.names[0] ?? 'nobody'
  return certificate({ subject, extensions: leafExtensions(o), from, to, ca: o.ca })
}

/** What a project's `certificate` is once its files are read. */
export type KeyPair = { readonly cert: Buffer; readonly key: Buffer }

/** As NAME.crt and NAME.key, and how a project file beside them names them. */
export function writeKeyPair(
  dir: string,
  name: string,
  { cert, key }: KeyPair,
): { readonly cert: string; readonly key: string } {
  writeFileSync(join(dir, `${name}.crt`), cert)
  writeFileSync(join(dir, `${name}.key`), key, { mode: 0o600 })
  return { cert: `${name}.crt`, key: `${name}.key` }
}

export function asIdentity(i: Issued): KeyPair {
  return { cert: Buffer.from(i.chain), key: Buffer.from(i.key) }
}

function leafExtensions(o: IssueOptions): Buffer[] {
  const serverAuth = oid('1.3.6.1.5.5.7.3.1')
  const clientAuth = oid('1.3.6.1.5.5.7.3.2')
  const emailProtection = oid('1.3.6.1.5.5.7.3.4')
  const usages = { server: [serverAuth], client: [clientAuth], both: [serverAuth, clientAuth], mail: [emailProtection] }
  const extensions = [
    critical('2.5.29.15', bits(Buffer.from([0x80]), 7)), // keyUsage: digitalSignature
    extension('2.5.29.37', sequence(...usages[o.usage ?? 'both'])),
  ]
  if (!o.withoutSan && o.names.length > 0) extensions.push(extension('2.5.29.17', sequence(...o.names.map(altName))))
  return extensions
}

function altName(name: string): Buffer {
  if (isIP(name) === 4) return raw(0x87, Buffer.from(name.split('.').map(Number)))
  if (name === '::1') return raw(0x87, Buffer.from([...new Array<number>(15).fill(0), 1]))
  return raw(0x82, Buffer.from(name, 'latin1'))
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), octets(value))
}

function critical(id: string, value: Buffer): Buffer {
  return sequence(oid(id), truth(true), octets(value))
}

type Draft = {
  readonly subject: string
  readonly extensions: readonly Buffer[]
  readonly from: number
  readonly to: number
  readonly ca: Ca | undefined
}

function certificate(d: Draft): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const keyId = createHash('sha1').update(spki).digest()
  const algorithm = sequence(oid('1.2.840.10045.4.3.2')) // ecdsa-with-SHA256
  const body = sequence(
    context(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    nameOf(d.ca?.name ?? d.subject),
    sequence(time(Date.now() + d.from), time(Date.now() + d.to)),
    nameOf(d.subject),
    spki,
    context(3, sequence(...d.extensions, ...keyIds(keyId, d.ca?.keyId ?? keyId))),
  )
  const der = sequence(body, algorithm, bits(sign('sha256', body, d.ca?.privateKey ?? privateKey), 0))
  const cert = pem('CERTIFICATE', der)
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { cert, chain: cert + (d.ca?.parent ? d.ca.chain : ''), key, der, privateKey, keyId }
}

/** subjectKeyIdentifier and authorityKeyIdentifier. */
function keyIds(own: Buffer, signer: Buffer): Buffer[] {
  return [extension('2.5.29.14', octets(own)), extension('2.5.29.35', sequence(raw(0x80, signer)))]
}

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(oid('2.5.4.3'), text(commonName))))
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
