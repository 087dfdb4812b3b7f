/** The domains in From: whose name a message bears, for DMARC. */
import { domainKey, readAddressList } from '../../mail/address/address.ts'
import { all, fieldValue, type Header, readFrom } from '../../mail/header/header.ts'

export type Authors = {
  /** Each once, as lower-case A-label. More than one: each of them could be the one that a reader sees. */
  readonly domains: readonly string[]
  /** Why programs could read another author out of the message; '' when they cannot. */
  readonly doubt: string
}

/** Each domain costs questions to the DNS. Nobody who writes in good faith comes near this. */
const maxDomains = 10

export function readAuthors(header: Header): Authors {
  const from = readFrom(header)
  const mailboxes =
    from.kind === 'one'
      ? from.mailboxes
      : all(header, 'from').flatMap((field) => {
          const list = readAddressList(fieldValue(field))
          return list.kind === 'list' ? list.mailboxes : []
        })
  const domains = new Set(mailboxes.map(({ address }) => domainKey(address.domain)).filter((domain) => domain !== ''))
  const doubt = from.kind === 'one' ? '' : from.why
  return domains.size > maxDomains
    ? { domains: [...domains].slice(0, maxDomains), doubt: `From has addresses of ${domains.size} domains` }
    : { domains: [...domains], doubt }
}
