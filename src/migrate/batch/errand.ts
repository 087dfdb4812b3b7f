/** One piece of work on one mailbox: a pass, or a check of its log-ins. */
import type { CopyOptions, PassOutcome, Progress, Survey } from '../copy/copy.ts'
import { type Connect, MailboxTrouble } from '../mailbox/mailbox.ts'
import { troubleOf, troubleText } from './advice.ts'
import type { Ground } from './ground.ts'
import type { MailboxPace } from './pace.ts'
import type { Reach, Reached } from './reach.ts'
import { openRow } from './seal.ts'
import type { Server, Settings, Side } from './settings.ts'
import { type Sides, sided } from './sided.ts'
import type { Batch, MailboxRow, Trouble } from './tables.ts'

export type Errand = {
  readonly ground: Ground
  readonly reach: Reach
  readonly batch: Batch
  readonly settings: Settings
  readonly mailbox: MailboxRow
  readonly pace: MailboxPace
  readonly signal: AbortSignal
  readonly onProgress: (p: Progress) => void
}

/** Both ends of a mailbox, ready to be opened. */
export type Ends = {
  readonly source: Connect
  readonly target: Connect
  /** What a trouble means, in words for people. */
  readonly explain: (trouble: MailboxTrouble) => { readonly trouble: Trouble; readonly text: string }
  readonly sideOf: (trouble: MailboxTrouble) => Side | ''
}

export function endsOf(e: Errand): Ends | undefined {
  const { ground, batch, mailbox, settings, reach } = e
  const key = ground.batchKey(batch.keyId)
  const secret =
    key === undefined || mailbox.secret === undefined
      ? undefined
      : openRow(key, batch.keyId, mailbox.key, mailbox.secret)
  if (secret === undefined) return undefined
  const sides: Sides = new WeakMap()
  const source = reach.side('source', settings.source, mailbox, secret)
  const target = reach.side('target', settings.target, mailbox, secret)
  const sideOf = (trouble: MailboxTrouble): Side | '' => sides.get(trouble) ?? (trouble.kind === 'full' ? 'target' : '')
  return {
    source: sided(source.connect, 'source', sides),
    target: sided(target.connect, 'target', sides),
    sideOf,
    explain: (trouble) => explained(e, trouble, sideOf(trouble), { source, target }),
  }
}

function explained(
  { batch, mailbox, settings }: Errand,
  trouble: MailboxTrouble,
  side: Side | '',
  reached: Readonly<Record<Side, Reached>>,
): { readonly trouble: Trouble; readonly text: string } {
  const server: Server | undefined = side === '' ? undefined : settings[side]
  const tried = side === '' ? [] : reached[side].tried()
  const about = { side, server, batch: batch.name, row: mailbox.row, email: mailbox.email, tried }
  const told = troubleOf(trouble, about)
  return { trouble: told, text: troubleText(told) }
}

export const noPasswords = (batch: string): Trouble => ({
  kind: 'login',
  side: '',
  server: '',
  what: 'the passwords of this mailbox are not there any more',
  words: '',
  remedy: `causeway migrate retry ${batch} --csv FILE`,
})

export function copyOptions({ copy }: Settings, mailbox: MailboxRow): CopyOptions {
  const { since, before, maxBytes, targetRoot, removeAtMost, ...rest } = copy
  const root = mailbox.targetRoot === '' ? targetRoot : mailbox.targetRoot
  return {
    ...rest,
    ...(since === undefined ? {} : { since: Date.parse(since) }),
    ...(before === undefined ? {} : { before: Date.parse(before) }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(root === undefined ? {} : { targetRoot: root }),
    ...(removeAtMost === undefined ? {} : { removeAtMost }),
  }
}

/** A mistake of ours in one mailbox ends that mailbox's pass, and no other's. */
export async function runPass(e: Errand, ends: Ends): Promise<PassOutcome> {
  const { ground, settings, mailbox, pace, signal, onProgress } = e
  try {
    return await ground.engine.copyPass({
      mailbox: mailbox.id,
      ledger: ground.ledger,
      source: ends.source,
      target: ends.target,
      options: copyOptions(settings, mailbox),
      pace,
      signal,
      onProgress,
      tuning: tuningOf(settings),
    })
  } catch (error) {
    return { kind: 'failed', trouble: broken(e, error), mayPass: true }
  }
}

/** Content in memory, of all mailboxes of a batch together, about. */
const mostBytes = 100_000_000

/** The scheduler tries again by itself, and tells people meanwhile: the engine need not be patient. */
function tuningOf({ concurrency }: Settings): { readonly maxBytesInFlight: number; readonly maxTroubles: number } {
  const bytes = Math.floor(mostBytes / concurrency)
  return { maxBytesInFlight: Math.min(8_000_000, Math.max(1_000_000, bytes)), maxTroubles: 4 }
}

export async function runSurvey(e: Errand, ends: Ends): Promise<Survey> {
  const { ground, settings, mailbox, signal } = e
  try {
    const { source, target } = ends
    return await ground.engine.surveyMailbox({ source, target, options: copyOptions(settings, mailbox), signal })
  } catch (error) {
    return { kind: 'failed', trouble: broken(e, error), mayPass: true }
  }
}

function broken({ ground, mailbox }: Errand, error: unknown): MailboxTrouble {
  if (error instanceof MailboxTrouble) return error
  ground.onTrouble(`${mailbox.email}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  return new MailboxTrouble('stalled', 'something went wrong on our side; the log of the gateway says what')
}
