/** An `Authentication` read back from JSON, as the queue keeps it. */
import { z } from 'zod'
import type { Authentication } from './result.ts'

export const authenticationShape: z.ZodType<Authentication> = z.object({
  address: z.string(),
  spf: z.object({
    result: z.enum(['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror']),
    identity: z.enum(['mailfrom', 'helo']),
    domain: z.string(),
    why: z.string(),
  }),
  dkim: z.array(
    z.object({
      result: z.enum(['none', 'pass', 'fail', 'policy', 'neutral', 'temperror', 'permerror']),
      domain: z.string(),
      selector: z.string(),
      algorithm: z.string(),
      signature: z.string(),
      why: z.string(),
    }),
  ),
  dmarc: z.object({
    result: z.enum(['none', 'pass', 'fail', 'temperror', 'permerror']),
    domain: z.string(),
    policy: z.enum(['none', 'quarantine', 'reject']).exactOptional(),
    why: z.string(),
  }),
  arc: z.object({
    result: z.enum(['none', 'pass', 'fail', 'temperror']),
    sealer: z.string(),
    dmarc: z.string(),
    why: z.string(),
  }),
})
