/**
 * TLS on a connection (RFC 3207, RFC 8314; RFC 9325 for what is offered). Certificates are asked for and never judged here; but
 * OpenSSL checks each signature in what is shown, a hundred kilobytes of it, before anybody can say no.
 *
 * No connection is resumed. A TLS 1.2 session resumed in OpenSSL has lost the name in SNI, and both 1.2 and 1.3 have lost the
 * intermediate certificates: a tenant would not be recognised and its mail refused. See `docs/decisions/tls-resumption.md`.
 */
import { constants, type X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'
import type { TlsInfo } from './backend.ts'

/** Forward secrecy and AEAD first; the CBC suites with SHA-2 at the end, since plaintext would be the alternative. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM',
  'ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256',
].join(':')

const secureOptions =
  constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE

/** Throws when the key material cannot be used. */
export function makeContext(o: SecureContextOptions): SecureContext {
  const merged = { ciphers, ...o, minVersion: 'TLSv1.2' as const }
  return createSecureContext({
    ...merged,
    secureOptions: (o.secureOptions ?? 0) | secureOptions,
    sessionIdContext: 'causeway', // without one OpenSSL breaks off when a client that may show a certificate offers a session
  })
}

/** Takes the plain socket over. What it had received and not given out goes into the handshake, and fails there. */
export function serverSide(plain: Socket, secureContext: SecureContext, requestCert: boolean): TLSSocket {
  return new TLSSocket(plain, { isServer: true, secureContext, requestCert, rejectUnauthorized: false })
}

/** Longer chains are nobody's. */
const maxChain = 10

export function tlsInfo(s: TLSSocket): TlsInfo {
  const peerChain: Buffer[] = []
  let certificate: X509Certificate | undefined = s.getPeerX509Certificate()
  while (certificate !== undefined && peerChain.length < maxChain) {
    peerChain.push(certificate.raw)
    certificate = certificate.issuerCertificate
  }
  return {
    protocol: s.getProtocol() ?? '',
    cipher: s.getCipher().standardName,
    serverName: serverName(s),
    peerChain,
    resumed: s.isSessionReused(),
  }
}

/** `false` in the types of Node's documentation: no SNI. */
function serverName(s: TLSSocket): string {
  const name: unknown = Reflect.get(s, 'servername')
  return typeof name === 'string' ? name.toLowerCase() : ''
}
