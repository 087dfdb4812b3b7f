/** Who a recipient is to a tenant, and what its border says about him at RCPT. */
import type { Reply } from '../../mail/reply/reply.ts'
import { domainOf } from '../post/post.ts'
import type { Attribution } from './attribution.ts'
import { exchangeReplies } from './exchange-replies.ts'

export type RecipientKind = 'mailbox' | 'redirected' | 'unknown' | 'foreign'

export type Directory = {
  readonly domains: readonly string[]
  /** Every proxy address of every mailbox, lower case. */
  hasMailbox(address: string): boolean
  /** Mail users and contacts in accepted domains whose mail a transport rule hands to the gateway. */
  isRedirected(address: string): boolean
  /** Directory based edge blocking. */
  readonly blocksUnknown: boolean
}

/** Exchange Online takes at most this many envelope recipients of one domain in one message. */
const maxOfDomain = 200

export function kindOf(directory: Directory, address: string): RecipientKind {
  const key = withoutTag(address)
  if (directory.hasMailbox(key)) return 'mailbox'
  if (directory.isRedirected(key)) return 'redirected'
  return directory.domains.includes(domainOf(address)) ? 'unknown' : 'foreign'
}

/** undefined: the recipient is taken. */
export function recipientReply(
  directory: Directory,
  attribution: Attribution,
  address: string,
  sofar: readonly string[],
): Reply | undefined {
  const sameDomain = sofar.filter((other) => domainOf(other) === domainOf(address)).length
  if (sameDomain >= maxOfDomain) return exchangeReplies.tooManyOfDomain()
  switch (kindOf(directory, address)) {
    case 'mailbox':
    case 'redirected':
      return undefined
    case 'unknown':
      return directory.blocksUnknown && attribution.kind === 'incoming'
        ? exchangeReplies.accessDenied(address)
        : exchangeReplies.notFound(address)
    case 'foreign':
      return relayReply(attribution)
  }
}

function relayReply(attribution: Attribution): Reply | undefined {
  switch (attribution.kind) {
    case 'originating':
      return undefined
    case 'not owned':
      return exchangeReplies.notOwned()
    case 'incoming':
      return exchangeReplies.noConnector()
  }
}

/** `john+news@…` reaches john; lower case, since Exchange ignores case. */
export function withoutTag(address: string): string {
  return address.toLowerCase().replace(/(?<=^[^+@]+)\+[^@]*(?=@)/, '')
}
