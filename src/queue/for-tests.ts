/** Messages and queues for tests. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NewMessage, type NewRecipient, openQueue, type Queue, type QueueOptions } from './queue.ts'

export function recipient(address: string, more: Partial<NewRecipient> = {}): NewRecipient {
  return {
    address,
    domain: address.slice(address.lastIndexOf('@') + 1),
    facts: '{}',
    lane: 'tenant:contoso',
    state: 'waiting',
    attempts: 0,
    reply: '',
    why: '',
    ...more,
  }
}

export function message(
  id: string,
  to: readonly (string | NewRecipient)[],
  more: Partial<NewMessage> = {},
): NewMessage {
  return {
    id,
    sender: 'ann@fabrikam.example',
    peer: 'fabrikam',
    messageId: `<${id}@fabrikam.example>`,
    subject: 'Hello',
    envelope: '{}',
    content: [Buffer.from('Subject: Hello\r\n\r\n'), Buffer.from(`This is ${id}.\r\n`)],
    recipients: to.map((one) => (typeof one === 'string' ? recipient(one) : one)),
    ...more,
  }
}

/** A queue that sweeps when it is told, and a clock that moves when it is told. */
export type Bench = {
  readonly dir: string
  readonly clock: { now: number }
  readonly queue: Queue
  /** Ends the queue as it is, and opens it again as another process would. */
  reopen(): Promise<Queue>
  [Symbol.asyncDispose](): Promise<void>
}

export async function bench(o: Partial<QueueOptions> & { readonly under?: string } = {}): Promise<Bench> {
  const dir = mkdtempSync(join(o.under ?? tmpdir(), 'causeway-queue-'))
  const clock = { now: Date.UTC(2026, 10, 23, 8) }
  const open = async (): Promise<Queue> => {
    const opened = await openQueue({ dir, sweepMs: 0, now: () => clock.now, ...o })
    assert.ok(opened.ok, opened.ok ? '' : opened.why)
    return opened.queue
  }
  let queue = await open()
  return {
    dir,
    clock,
    get queue() {
      return queue
    },
    reopen: async () => {
      await queue.close()
      queue = await open()
      return queue
    },
    [Symbol.asyncDispose]: async () => {
      await queue.close()
      rmSync(dir, { recursive: true })
    },
  }
}
