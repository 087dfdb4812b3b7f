import { connect, isIP, type Socket } from 'node:net'
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  getCACertificates,
  type TLSSocket,
} from 'node:tls'
import { cleanText } from '../../mail/reply/reply.ts'
import { MailboxTrouble, type TroubleKind } from '../mailbox/mailbox.ts'
import type { Endpoint } from './imap.ts'

/** A TCP connection. */
export async function dial(endpoint: Endpoint, withinMs: number, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true, keepAlive: true })
  await ready(socket, { event: 'connect', withinMs, signal, kind: 'unreachable', where: whereabouts(endpoint) })
  return socket
}

/** The same connection, encrypted from here on. Verified: chain, name and dates (RFC 8314 section 4.1, RFC 9525). */
export async function encrypt(
  socket: Socket,
  endpoint: Endpoint,
  withinMs: number,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const secured = begin(socket, endpoint)
  await ready(secured, { event: 'secureConnect', withinMs, signal, kind: 'tls', where: whereabouts(endpoint) })
  return secured
}

export function whereabouts({ host, port }: Endpoint): string {
  return cleanText(`${host}:${port}`)
}

function begin(socket: Socket, endpoint: Endpoint): TLSSocket {
  try {
    return connectTls({ ...tlsOptions(endpoint), socket })
  } catch (error) {
    socket.destroy()
    throw new MailboxTrouble('tls', `the CA for ${whereabouts(endpoint)} cannot be used: ${wordsOf(error)}`)
  }
}

function tlsOptions(endpoint: Endpoint): ConnectionOptions {
  const name = endpoint.servername ?? endpoint.host
  return {
    minVersion: 'TLSv1.2', // RFC 8996
    servername: isIP(name) === 0 ? name : '', // RFC 6066 section 3: no literal addresses in SNI
    rejectUnauthorized: endpoint.allowUntrusted !== true,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ...(endpoint.ca === undefined ? {} : { ca: [...getCACertificates(), endpoint.ca] }),
  }
}

type Wait = {
  readonly event: 'connect' | 'secureConnect'
  readonly withinMs: number
  readonly signal: AbortSignal
  readonly kind: TroubleKind
  readonly where: string
}

/** Waits for the event, and destroys the socket when it does not come. */
function ready(socket: Socket, { event, withinMs, signal, kind, where }: Wait): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (trouble: MailboxTrouble): void => {
    reject(trouble)
    socket.destroy()
  }
  // That the line broke says nothing of certificates.
  const failed = (error: unknown): void =>
    fail(new MailboxTrouble(isBroken(error) ? 'unreachable' : kind, `no connection to ${where}: ${wordsOf(error)}`))
  const ended = (): void => fail(new MailboxTrouble('unreachable', `no connection to ${where}: it was closed`))
  const stopped = (): void => fail(new MailboxTrouble('stopped', 'stopped'))
  const late = (): void =>
    fail(new MailboxTrouble('unreachable', `no connection to ${where} within ${withinMs / 1000} s`))
  const timer = setTimeout(late, withinMs)
  if (signal.aborted) stopped()
  signal.addEventListener('abort', stopped)
  socket.once(event, resolve).on('error', failed).once('close', ended)
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', stopped)
    socket.off('error', failed).off('close', ended)
    // Errors of a socket that is being given up have nobody to go to.
    socket.on('error', () => {})
  })
}

function isBroken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && brokenLine.has(String(error.code))
}

const brokenLine: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'])

/** Node's errors by their code, for the message alone may be empty (a host with several addresses). */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return cleanText(String(error))
  const code = 'code' in error ? String(error.code) : ''
  const words = error.message === '' ? code : error.message
  return cleanText(code === '' || words.includes(code) ? words : `${words} (${code})`)
}
