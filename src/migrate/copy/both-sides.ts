/** Work that needs both mailboxes and writes down nothing: opened, done, closed, whatever happens. */
import { type Connect, type Mailbox, MailboxTrouble, mayPass } from '../mailbox/mailbox.ts'

export type Sides = { readonly source: Connect; readonly target: Connect; readonly signal: AbortSignal }
export type NotDone =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly trouble: MailboxTrouble; readonly mayPass: boolean }

export async function withBothSides<T>(
  job: Sides,
  work: (source: Mailbox, target: Mailbox) => Promise<T>,
): Promise<T | NotDone> {
  const opened: Mailbox[] = []
  try {
    const [source, target] = await bothSides(job, opened)
    return await work(source, target)
  } catch (error) {
    if (!(error instanceof MailboxTrouble)) throw error
    if (error.kind === 'stopped' || job.signal.aborted) return { kind: 'stopped' }
    return { kind: 'failed', trouble: error, mayPass: mayPass(error.kind) }
  } finally {
    await Promise.all(opened.map((mailbox) => mailbox.close()))
  }
}

/** What was opened is closed by the caller, also when the other side fails. */
async function bothSides(job: Sides, opened: Mailbox[]): Promise<readonly [source: Mailbox, target: Mailbox]> {
  const open = async (connect: Connect): Promise<Mailbox> => {
    const mailbox = await connect(job.signal)
    opened.push(mailbox)
    return mailbox
  }
  const [source, target] = await Promise.allSettled([open(job.source), open(job.target)])
  if (source.status === 'rejected') throw source.reason
  if (target.status === 'rejected') throw target.reason
  return [source.value, target.value]
}
