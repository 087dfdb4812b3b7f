/**
 * SMTP server engine: connections in, transactions out (RFC 5321, 3207, 2920, 1870, 6152, 6531, 3461, 2034, 3030).
 *
 * Promises: a message reaches the backend once and whole, or not at all; in DATA only CRLF.CRLF ends it; time and memory
 *   of a connection are bounded, and what all of them may take (docs/limits.md); replies come in the order of the commands.
 * Never: knows tenants or rules; verifies certificates (it hands on what was presented); leaves plaintext from before
 *   STARTTLS in the conversation after it; keeps what a refused or broken-off DATA brought.
 * On failure: a backend that throws is answered 451 4.3.0 and the connection goes on; a socket that breaks ends quietly;
 *   `listen` rejects only when an address cannot be bound.
 */
import { Gate } from './gate.ts'
import type { Listener, ListenOptions } from './options.ts'

export type { Backend, BodyType, Client, Incoming, MailFrom, Recipient, Soon, Standing, TlsInfo } from './backend.ts'
export { asFarAsPossible, beyondTheMachine, type LimitName, type Limits } from './limits.ts'
export { hasDescriptor, machine } from './machine.ts'
export type { ListenAddress, Listener, ListenOptions } from './options.ts'
export { plainAddress } from './source.ts'

/** Binds every address, or none and rejects. */
export async function listen(o: ListenOptions): Promise<Listener> {
  const gate = new Gate(o)
  await gate.open()
  return gate
}
