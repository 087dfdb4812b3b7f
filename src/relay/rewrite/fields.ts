/** Which header fields carry addresses of people, seen from which side (docs/flow.md, "rewrite"). Names in lower case. */
import type { Direction } from '../admit/admit.ts'

type FieldSet = { readonly [side in Direction]: ReadonlySet<string> }

/** Everything an outside reader, or a reply, could see or use. */
const full: FieldSet = {
  outside: new Set([
    ...['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'],
    ...['disposition-notification-to', 'return-receipt-to', 'errors-to', 'mail-followup-to'],
    ...['resent-from', 'resent-sender', 'resent-reply-to', 'resent-to', 'resent-cc', 'resent-bcc'],
  ]),
  inside: new Set(['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc']),
}

/** Exchange Edge, exactly (Microsoft, "Address rewriting on Edge Transport servers", table of rewritten fields). */
const edge: FieldSet = {
  outside: new Set([
    'from',
    'sender',
    'reply-to',
    'return-receipt-to',
    'disposition-notification-to',
    'resent-from',
    'resent-sender',
  ]),
  inside: new Set(['to', 'cc']),
}

export const fieldSets: { readonly [name in 'full' | 'edge']: FieldSet } = { full, edge }
