/** What Exchange Online says at its border (Microsoft, "Email non-delivery reports and SMTP errors in Exchange Online"). */
import type { Reply } from '../../mail/reply/reply.ts'

const reply = (code: number, enhanced: string, text: string): Reply => ({ code, enhanced, text })

export const exchangeReplies = {
  // No connector matches the connection, and the recipient is not the tenant's.
  noConnector: () => reply(550, '5.7.64', 'TenantAttribution; Relay Access Denied'),
  // A connector matches; neither the certificate's domain nor that of MAIL FROM is an accepted domain.
  notOwned: () => reply(550, '5.7.64', 'TenantAttribution; Relay Access Denied ATTR36'),
  // Directory based edge blocking: nobody has the address.
  accessDenied: (address: string) => reply(550, '5.4.1', `Recipient address rejected: Access denied. [${address}]`),
  // Nobody has the address, and edge blocking does not apply.
  notFound: (address: string) =>
    reply(550, '5.1.10', `RESOLVER.ADR.RecipientNotFound; Recipient ${address} not found by SMTP address lookup`),
  // More than 200 envelope recipients of one domain in one message.
  tooManyOfDomain: () => reply(452, '4.5.3', 'Too many recipients'),
  // The client calls itself by our name.
  badHelo: () => reply(550, '5.7.506', 'Access Denied, Bad HELO'),
  // More than one From address.
  severalFrom: () => reply(550, '5.1.20', 'Multiple From addresses are not allowed without Sender'),
  // No From that a person could answer to.
  badFrom: () => reply(550, '5.7.512', 'Access denied, message must be RFC 5322 section 3.6.2 compliant'),
  // It has been here too often.
  hopCount: () => reply(554, '5.4.14', 'Hop count exceeded - possible mail loop ATTR34'),
  queued: (messageId: string) => reply(250, '2.6.0', `${messageId} Queued mail for delivery`),
} as const satisfies Record<string, (...args: never[]) => Reply>
