/** The words for limits: which one was met, and whose it is. */
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { LimitName, Limits } from './limits.ts'
import type { Full } from './places.ts'

/** No place for this connection. What passes is told 4.3.2, what is the client's own doing 4.7.0. */
export function noPlace(limit: LimitName): Reply {
  const reply = /OfInternet$|^connections$|^connectionRate$|ToProve$/.test(limit)
    ? replies.serverFull
    : replies.tooManyConnections
  return reply(`${/Rate/.test(limit) ? 'in a minute ' : ''}${whose(limit)}`)
}

/** The message has passed a limit while it came in. */
export function messageRefused(limit: LimitName, limits: Limits): Reply {
  switch (limit) {
    case 'headerBytes':
      return replies.headerTooLarge(`more than ${limits.headerBytes} bytes`)
    case 'headerFields':
      return replies.headerTooLarge(`more than ${limits.headerFields} fields`)
    case 'headerFieldBytes':
      return replies.headerTooLarge(`a field of more than ${limits.headerFieldBytes} bytes`)
    case 'headerAddresses':
      return replies.headerTooLarge(`more than ${limits.headerAddresses} addresses`)
    case 'transferBytes':
    case 'transferBytesOfInternet':
    case 'transferBytesPerTenant':
    case 'transferBytesPerSource':
      return replies.outOfMemory(whose(limit))
    default:
      return replies.tooLarge()
  }
}

/** For the trace: the limit by its name in docs/limits.md, and who met it, `count` times since it was last told. */
export function turnedAway({ limit, ledger }: Full, address: string, count: number): string {
  const who = ledger.scope === 'tenant' ? `tenant ${ledger.name}` : address
  return `limit ${limit}: ${who}${count > 1 ? `, the last of ${count}` : ''}`
}

function whose(limit: LimitName): string {
  if (/OfInternet$|ToProve$/.test(limit)) return 'from the internet'
  if (limit.endsWith('PerTenant')) return 'from your tenant'
  return /PerSource$|WhileSlowed$/.test(limit) ? 'from your address' : 'in all'
}
