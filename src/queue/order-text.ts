/** Release orders in words, for the audit. */
import type { EndedOrder, ReleaseOrder } from './contract.ts'

export function orderText({ whenAccepted, perMinute }: Pick<ReleaseOrder, 'whenAccepted' | 'perMinute'>): string {
  return `${perMinute} a minute${whenAccepted ? ', each once the target accepts it' : ''}`
}

/** What it came to. */
export function cameToText({ whenAccepted, released, asked, notAccepted, by, at }: EndedOrder): string {
  const probes = whenAccepted ? `, asked ${asked}, of these not accepted ${notAccepted}` : ''
  return `released ${released}${probes}, by the order of ${by} of ${new Date(at).toISOString()}`
}
