import { constants, createHash } from 'node:crypto'
import { isIP } from 'node:net'
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import type { Identity, NextHop } from '../../project/project.ts'
import type { Wire } from './wire.ts'

/** A TLS session is forgotten after this long, so that a certificate is looked at again. */
const resumeForMs = 60 * 60 * 1000

/** The last TLS session with a destination. Belongs to one destination, so to one policy, name, CA and identity. */
export type TlsMemory = { session: Buffer | undefined; since: number }

export type Secured =
  | { readonly kind: 'secured'; readonly words: string }
  /** `wasResuming`: a handshake from the start may do better. */
  | { readonly kind: 'failed'; readonly why: string; readonly wasResuming: boolean }

/** Contexts by what they are made of: loading certificates for every connection is dear. */
export class Contexts {
  readonly #made = new Map<string, SecureContext>()

  /** Throws what OpenSSL says of a key or certificate that cannot be used. */
  for(hop: NextHop): SecureContext {
    const key = materialKey(hop)
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const made = createSecureContext({
      minVersion: 'TLSv1.2', // RFC 8996
      // Each time that a server asks for another handshake OpenSSL would make one, and check all certificates again.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      ...(hop.ca === undefined ? {} : { ca: hop.ca }),
      ...hop.identity,
    })
    if (this.#made.size >= 256) this.#made.clear()
    this.#made.set(key, made)
    return made
  }
}

/**
 * Makes the connection TLS by the hop's policy. `required`: chain, name and dates are verified (RFC 6125), or it fails.
 * `opportunistic`: against those who only listen, so nothing is verified.
 */
export async function secure(
  wire: Wire,
  hop: NextHop,
  contexts: Contexts,
  memory: TlsMemory,
  withinMs: number,
): Promise<Secured> {
  let secureContext: SecureContext
  try {
    secureContext = contexts.for(hop)
  } catch (error) {
    return {
      kind: 'failed',
      why: `the certificate, key or CA for this hop cannot be used: ${String(error)}`,
      wasResuming: false,
    }
  }
  const chosen = options(hop, memory)
  // Where nothing is verified anybody may answer; whom the project names and we verify has no reason to keep us busy.
  const socket = await wire.upgrade({ ...chosen, secureContext }, hop.tls === 'opportunistic', withinMs)
  if (socket === undefined) {
    memory.session = undefined
    return { kind: 'failed', why: wire.lost ?? '', wasResuming: chosen.session !== undefined }
  }
  remember(socket, memory)
  return { kind: 'secured', words: describe(socket, hop) }
}

function options(hop: NextHop, memory: TlsMemory): ConnectionOptions {
  const name = hop.serverName || hop.host
  const fresh = memory.session !== undefined && Date.now() - memory.since < resumeForMs
  return {
    servername: isIP(name) === 0 ? name : '', // RFC 6066 section 3: no literal addresses in SNI
    rejectUnauthorized: hop.tls === 'required',
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ...(fresh ? { session: memory.session } : {}),
  }
}

/** Only once the handshake has succeeded, so that nothing unverified can be resumed as verified. */
function remember(socket: TLSSocket, memory: TlsMemory): void {
  const keep = (session: Buffer | undefined): void => {
    memory.session = session
    memory.since = Date.now()
  }
  // A resumed session keeps its age: resuming it again and again must not put off the next look at the certificate.
  if (socket.isSessionReused()) return
  if (socket.getProtocol() !== 'TLSv1.3') keep(socket.getSession())
  socket.on('session', keep)
}

function describe(socket: TLSSocket, hop: NextHop): string {
  const cipher = socket.getCipher()
  return `${socket.getProtocol()} ${cipher.standardName ?? cipher.name} ${hop.tls === 'required' ? 'verified' : 'unverified'}`
}

const digests = new WeakMap<object, string>()

/** Key material by content, worked out once for each object. */
export function materialKey(hop: NextHop): string {
  return `${hop.ca === undefined ? '' : digest(hop.ca, [hop.ca])}|${identityKey(hop.identity)}`
}

function identityKey(identity: Identity | undefined): string {
  if (identity === undefined) return ''
  return digest(identity, [identity.cert, identity.key])
}

function digest(of: object, parts: readonly Buffer[]): string {
  const known = digests.get(of)
  if (known !== undefined) return known
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  const made = hash.digest('base64')
  digests.set(of, made)
  return made
}
