import type { CopyJob, PassOutcome } from './contract.ts'

/** One pass: everything new (and, by choice, changed) since the ledger's last word. Crash-safe at any moment, idempotent. */
export async function copyPass(_job: CopyJob): Promise<PassOutcome> {
  return { kind: 'stopped' }
}
