import type { Outcome } from '../deliver/deliver.ts'
import { oneLine } from '../record/record.ts'

/** What the next hop said, as it is kept; '' where it said nothing: then `why` alone tells what happened. */
export const lastWords = ({ spoke, reply }: Outcome): string => (spoke === true ? oneLine(reply) : '')
