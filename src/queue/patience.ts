/** From when on a recipient has waited, and until when: every age and deadline that is judged, told or shown is counted here. */
import type { KeptMessage, KeptRecipient } from './message.ts'

type Received = Pick<KeptMessage, 'receivedAt'>
type Released = Pick<KeptRecipient, 'releasedAt'>

/** Time that it was held does not count: it waits since it was received, or let go. */
export const waitsSince = ({ receivedAt }: Received, { releasedAt }: Released): number => releasedAt ?? receivedAt

/** From then on it is given up, as soon as an attempt fails. */
export const givenUpFrom = (
  message: Received,
  recipient: Released,
  policy: { readonly returnAfterMs: number },
): number => waitsSince(message, recipient) + policy.returnAfterMs
