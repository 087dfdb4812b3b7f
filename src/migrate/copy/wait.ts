import { setTimeout as sleep } from 'node:timers/promises'
import { MailboxTrouble } from '../mailbox/mailbox.ts'

/** Rejects with 'stopped' when the signal fires. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch {
    throw new MailboxTrouble('stopped', 'it was told to stop')
  }
}
