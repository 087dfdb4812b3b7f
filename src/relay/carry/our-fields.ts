/** The fields that we put above the first original one: Received and the pass. */
import { makeField } from '../../mail/header/header.ts'
import type { Project } from '../../project/project.ts'
import { type Admission, issuePass, passField } from '../admit/admit.ts'
import type { Client, Incoming } from '../listen/listen.ts'
import type { Delivery } from '../plan/plan.ts'
import type { Copy } from '../rewrite/rewrite.ts'

export type OurFields = {
  readonly project: Project
  readonly incoming: Incoming
  readonly admission: Admission
  readonly delivery: Delivery
  readonly copy: Copy
  readonly passKey: Buffer
  readonly id: string
  readonly now: Date
  /** When the message was received; not the time of this attempt. */
  readonly arrivedAt: Date
}

/**
 * CRLF text of our fields, as a binary string. Received comes last: where a message begins with a line of white space, that
 * line becomes part of our last field, and must not spoil the pass.
 */
export function ourFields(of: OurFields): string {
  const { project, admission, delivery, now } = of
  const tenant = delivery.tenant?.name ?? (admission.peer.kind === 'tenant' ? admission.peer.tenant.name : '')
  const pass = { project: project.name, tenant, direction: delivery.side, at: now.getTime() }
  return makeField(passField, issuePass(of.passKey, pass, of.copy.header)).raw + received(of)
}

/** RFC 5321 section 4.4. `for` is left out: it would show one recipient of a blind copy to the others. */
function received({ project, incoming, id, arrivedAt }: OurFields): string {
  const { client } = incoming
  const by = `by ${project.gateway.hostname} with ${protocol(incoming)} id ${id};\r\n\t${dateTime(arrivedAt)}\r\n`
  // A report of ours came from nobody.
  if (client.address === '') return `Received: ${by}`
  const from = `from ${named(client.helo)} (${addressLiteral(client)})`
  const tls = client.tls === undefined ? '' : `\r\n\t(using ${client.tls.protocol} with cipher ${client.tls.cipher})`
  return `Received: ${from}${tls}\r\n\t${by}`
}

/**
 * A name or an address literal, as RFC 5321 section 4.4 has it. Whoever says `EHLO x by y` would have his words read as the rest of the
 * field, and our own name in it, by which loops are known, overlooked. The trace has what was said.
 */
const named = (helo: string): string => (/^[\w.:[\]-]{1,255}$/.test(helo) ? helo : 'unknown')

const addressLiteral = (client: Client): string =>
  client.address.includes(':') ? `[IPv6:${client.address}]` : `[${client.address}]`

/** RFC 3848 and RFC 6531 section 4.3. */
function protocol({ client, mailFrom }: Incoming): string {
  if (!client.esmtp) return 'SMTP'
  return `${mailFrom.smtputf8 ? 'UTF8SMTP' : 'ESMTP'}${client.tls === undefined ? '' : 'S'}`
}

/** RFC 5322 section 3.3, in UTC. */
const dateTime = (now: Date): string => now.toUTCString().replace('GMT', '+0000')
