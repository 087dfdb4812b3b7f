/** A kept message as the stages of the relay see one, with the project as it is now. */

import { readFrom } from '../../mail/header/header.ts'
import { type Message, readMessage } from '../../mail/message/message.ts'
import { type Project, tenantNamed } from '../../project/project.ts'
import type { Admission, Peer } from '../admit/admit.ts'
import type { Client, Incoming } from '../listen/listen.ts'
import type { Kept, KeptPeer } from './envelope.ts'

export type Again = {
  readonly incoming: Incoming
  readonly message: Message
  readonly admission: Admission
}

/** undefined: the tenant that it came from is not in the project any more. Who it goes to is for the caller to say. */
export function messageAgain(project: Project, kept: Kept, content: Buffer): Again | undefined {
  const peer = peerAgain(project, kept.peer)
  if (peer === undefined) return undefined
  const message = readMessage(content)
  const { mailFrom, via, pass, authentication } = kept
  const incoming = { client: clientAgain(kept), mailFrom, recipients: [], raw: content, via }
  const from = readFrom(message.header)
  const checked = authentication === undefined ? {} : { authentication }
  return { incoming, message, admission: { peer, from, pass, routed: [], held: [], refusals: [], ...checked } }
}

/** A report of ours is nobody's: it may go to people inside, as mail from the internet may. */
function peerAgain(project: Project, kept: KeptPeer): Peer | undefined {
  if (kept.kind === 'internet') return kept
  const tenant = tenantNamed(project, kept.tenant)
  if (tenant === undefined) return undefined
  if (kept.kind === 'causeway') return { kind: 'internet', why: 'a report of ours' }
  return { kind: 'tenant', tenant, proofs: kept.proofs, certificateNames: kept.certificateNames }
}

/** As much of the connection as its Received field tells. */
function clientAgain({ client }: Kept): Client {
  const { tls, ...rest } = client
  const inTls = tls && { ...tls, serverName: '', peerChain: [], resumed: false }
  return { id: 'queue', port: 0, localPort: 0, ...rest, ...(inTls === undefined ? {} : { tls: inTls }) }
}
