import type { Traits } from '../mailbox/mailbox.ts'
import type { Connection } from './connection.ts'
import type { Data, Words } from './response.ts'

/** In upper case, as sent: `IMAP4REV1`, `AUTH=PLAIN`. */
export type Capabilities = ReadonlySet<string>

const maxCapabilities = 1000

/** From `[CAPABILITY ...]`, where a greeting or a log-in told them unasked. */
export function toldIn({ code }: Words): Capabilities | undefined {
  return code?.name === 'CAPABILITY' ? capabilitiesIn(code.args) : undefined
}

export async function askCapabilities(connection: Connection): Promise<Capabilities> {
  let told: Capabilities = new Set()
  const take = (data: Data): boolean => {
    if (data.name !== 'CAPABILITY') return false
    told = capabilitiesIn(data.frame[0].slice(data.at))
    return true
  }
  await connection.run({ what: 'CAPABILITY', about: 'connection', pieces: ['CAPABILITY'], take })
  return told
}

function capabilitiesIn(text: string): Capabilities {
  return new Set(text.toUpperCase().split(' ', maxCapabilities).filter(Boolean))
}

// What Exchange Online takes at most, whatever the mailbox is set to: Exchange Online limits, message size.
const exchangeMaxAppend = 150 * 1024 * 1024
// QUIRK: Exchange refuses lines that are longer than about 10,500 bytes; 10,239 is known to be safe (imapsync's FAQ).
const exchangeMaxLine = 10_239

export function traitsOf(greeting: string, capabilities: Capabilities): Traits {
  const kind = kindOf(greeting, capabilities)
  const maxAppend = appendLimit(capabilities) ?? (kind === 'exchange' ? exchangeMaxAppend : undefined)
  return {
    greeting,
    capabilities,
    kind,
    hasUidPlus: capabilities.has('UIDPLUS') || capabilities.has('IMAP4REV2'),
    hasCondstore: capabilities.has('CONDSTORE') || capabilities.has('QRESYNC'),
    hasMultiAppend: capabilities.has('MULTIAPPEND'),
    ...(maxAppend === undefined ? {} : { maxAppend }),
    ...(kind === 'exchange' ? { maxLine: exchangeMaxLine } : {}),
  }
}

/** RFC 7889. */
function appendLimit(capabilities: Capabilities): number | undefined {
  for (const capability of capabilities) {
    const digits = /^APPENDLIMIT=(\d{1,15})$/.exec(capability)?.[1]
    if (digits !== undefined) return Number(digits)
  }
  return undefined
}

function kindOf(greeting: string, capabilities: Capabilities): Traits['kind'] {
  if (/Microsoft Exchange/i.test(greeting)) return 'exchange'
  if (capabilities.has('X-GM-EXT-1')) return 'gmail'
  const name = /dovecot|cyrus|courier/i.exec(greeting)?.[0].toLowerCase()
  return name === 'dovecot' || name === 'cyrus' || name === 'courier' ? name : 'other'
}
