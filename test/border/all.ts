import type { Family } from './attack.ts'
import { attribution } from './attribution.ts'
import { relay } from './relay.ts'

/** In the order of docs/threat-model.md. */
export const families: readonly Family[] = [attribution, relay]
