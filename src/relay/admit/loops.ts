/** Is this message going round in circles? (docs/flow.md, "admit") */

import { all, fieldValue, type Header, unfold } from '../../mail/header/header.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'

/** RFC 5321 section 6.3 asks for a limit of at least 100. */
export const maxReceived = 100
const maxOurs = 2

/** The reply and the reason when the header says that the message loops. */
export function loopProblem(
  header: Header,
  hostname: string,
): { readonly reply: Reply; readonly why: string } | undefined {
  const received = all(header, 'received')
  if (received.length > maxReceived)
    return { reply: replies.tooManyReceived(), why: `the message has ${received.length} Received fields` }
  const ours = received.filter((field) => wroteIt(unfold(fieldValue(field)), hostname)).length
  return ours >= maxOurs
    ? { reply: replies.loop(), why: `the message already passed ${hostname} ${ours} times` }
    : undefined
}

/** `by` names the server that wrote the field (RFC 5321 section 4.4); comments are no names. */
function wroteIt(value: string, hostname: string): boolean {
  // Any of them: the first may be what the client called itself.
  const named = Array.from(value.replaceAll(/\([^()]*\)/g, ' ').matchAll(/(?<!\S)by(?=\s+([^\s();]+))/gi))
  return named.some(([, host]) => host?.toLowerCase() === hostname.toLowerCase())
}
