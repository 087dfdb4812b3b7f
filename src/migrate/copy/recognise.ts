/**
 * Messages that stand at the target without the ledger knowing which they are: sent before a crash, put there by another
 * program, or by a copy whose ledger is lost. They are looked for, so that they are not sent again.
 */
import { canonicalFlags, instantOf, type OpenFolder } from '../mailbox/mailbox.ts'
import type { Attempt, FolderWork, Lane } from './attempt-state.ts'
import type { Copied } from './book.ts'
import { digestsOf } from './digest.ts'
import { allKnown } from './known-cursor.ts'
import { type Match, match } from './match.ts'
import { MessageTable } from './message-table.ts'
import { flagsSumOf, type Sending } from './sending.ts'
import { wait } from './wait.ts'

/** The messages of `fresh` that are not at the target; those that are go into the ledger. */
export async function recognise(
  a: Attempt,
  lane: Lane,
  work: FolderWork,
  source: OpenFolder,
  fresh: MessageTable,
): Promise<MessageTable> {
  const isInDoubt = !work.isNew && work.pair.isBrokenOff
  if (!isInDoubt && !work.isNew) return fresh
  if (work.targetState.messages === 0 && work.pair.sending.length === 0) return fresh
  const target = await lane.target.open(work.target, { readOnly: true })
  const look: Look = { a, work, source, target, isStrict: isInDoubt, flags: new Map() }
  const from = isInDoubt ? work.pair.targetFrom : 1
  const found = await search(look, fresh, work.pair.sending, from)
  const missing = work.pair.sending.filter(({ uid }) => !found.has(uid))
  // What a server has taken it may still be writing: it is sent again only when the folder stands still without it.
  if (missing.length > 0) for (const uid of await lateOnes(look, fresh, missing, from, found)) found.add(uid)
  return fresh.filter((uid) => !found.has(uid))
}

/** Where the target has no UIDPLUS: which of its messages are those that it took. */
export async function learnTargetUids(look: Look): Promise<void> {
  const { a, work } = look
  const taken: Sending[] = []
  for (const page of allKnown(a.book, work.pair.id)) {
    taken.push(...page.filter(({ state, targetUid }) => state === 'copied' && targetUid === undefined))
  }
  if (taken.length === 0) return
  const table = new MessageTable()
  for (const { uid, size, date } of taken) table.add(uid, size, date)
  const unknown = await unknownAt(look, 1)
  const alike = await match({ table, open: look.source }, { table: unknown, open: look.target }, { isStrict: false })
  const [sources, targets] = [new Set(alike.map((m) => m.source)), new Set(alike.map((m) => m.target))]
  // Those that have gone from the source since have no headings there any more.
  const left = taken.filter(({ uid }) => !sources.has(uid))
  const sent = await sentOnes(
    look,
    unknown.filter((uid) => !targets.has(uid)),
    left,
  )
  const found = [...alike, ...sent].map(({ source, target }) => ({ uid: source, targetUid: target }))
  a.book.setTargetUids(work.pair.id, found)
}

/** `flags`: where what is found was sent by us, what it has now is what it was sent with. */
export type Look = {
  readonly a: Attempt
  readonly work: FolderWork
  readonly source: OpenFolder
  readonly target: OpenFolder
  readonly isStrict: boolean
  readonly flags: Map<number, readonly string[]>
}

async function lateOnes(
  look: Look,
  fresh: MessageTable,
  missing: readonly Sending[],
  from: number,
  found: ReadonlySet<number>,
): Promise<ReadonlySet<number>> {
  const late = new Set<number>()
  for (;;) {
    await wait(look.a.tuning.settleMs, look.a.job.signal)
    const rest = fresh.filter((uid) => !found.has(uid) && !late.has(uid))
    const again = await search(
      look,
      rest,
      missing.filter(({ uid }) => !late.has(uid)),
      from,
    )
    if (again.size === 0) return late
    for (const uid of again) late.add(uid)
  }
}

/** UIDs of the source that were found; they are in the ledger then. */
async function search(
  look: Look,
  fresh: MessageTable,
  sending: readonly Sending[],
  from: number,
): Promise<Set<number>> {
  const { a, work } = look
  // What came since the plan was made is nothing that was there before us.
  const unknown = await unknownAt(look, from, work.isNew ? work.targetState.uidNext : undefined)
  const sent = await sentOnes(look, unknown, sending)
  const [sources, targets] = [new Set(sent.map((m) => m.source)), new Set(sent.map((m) => m.target))]
  const left = unknown.filter((uid) => !targets.has(uid))
  const open = fresh.filter((uid) => !sources.has(uid))
  const alike = await match(
    { table: look.isStrict ? near(open, left) : open, open: look.source },
    { table: left, open: look.target },
    { isStrict: look.isStrict },
  )
  const matches = [...sent, ...alike]
  const found = new Set(matches.map(({ source }) => source))
  a.book.write(work.pair.id, {
    copied: matches.map((m) => asCopied(m, fresh, sending, look.flags.get(m.target))),
    sending: sending.filter(({ uid }) => !found.has(uid)),
  })
  a.tally.done.adopted += matches.length
  return found
}

/** Those of the target from this UID on that no pair in the ledger has. */
async function unknownAt(
  { a, work, target, isStrict, flags: sent }: Look,
  from: number,
  end = Number.POSITIVE_INFINITY,
): Promise<MessageTable> {
  const known = new Set<number>()
  for (const pair of a.book.pairs()) {
    if (pair.target !== work.pair.target || pair.targetValidity !== work.pair.targetValidity) continue
    for (const page of allKnown(a.book, pair.id))
      for (const { targetUid } of page) if (targetUid !== undefined && targetUid >= from) known.add(targetUid)
  }
  const table = new MessageTable()
  let last = work.highest
  for await (const group of target.list(from > 1 ? { from } : {})) {
    for (const { uid, size, internalDate, flags } of group) {
      const instant = instantOf(internalDate)
      last = Math.max(last, uid)
      if (uid >= end || uid < from || known.has(uid)) continue
      if (isStrict) sent.set(uid, canonicalFlags(flags))
      table.add(uid, size, instant === undefined ? undefined : instant / 1000)
    }
  }
  // All that is there now is in the ledger, is found here, or is not ours.
  work.highest = last
  return table
}

/** By their digests, which were written down before they were sent: also those that have gone from the source since. */
async function sentOnes(
  { target }: Look,
  unknown: MessageTable,
  sending: readonly Sending[],
): Promise<readonly Match[]> {
  const waiting = new Map<string, Sending[]>()
  for (const one of sending) {
    const key = one.digest?.toString('hex')
    if (key !== undefined) waiting.set(key, [...(waiting.get(key) ?? []), one])
  }
  if (waiting.size === 0) return []
  const wanted = new Set(sending.map(({ size, date }) => `${size} ${date}`))
  const rows = Array.from({ length: unknown.length }, (_, i) => i)
  const like = rows.filter((i) => wanted.has(`${unknown.size(i)} ${unknown.date(i)}`)).map((i) => unknown.uid(i))
  const found: Match[] = []
  if (like.length === 0) return found
  for await (const message of target.fetch(like)) {
    const { whole } = await digestsOf(message.content)
    const source = takeOne(waiting.get(whole.slice(0, 32)), flagsSumOf(message.flags))
    if (source !== undefined) found.push({ source: source.uid, target: message.uid })
  }
  return found
}

/** Of several copies of one message the one with these flags, if there is one. */
function takeOne(alike: Sending[] | undefined, flagsSum: number): Sending | undefined {
  if (alike === undefined) return undefined
  const at = alike.findIndex((one) => one.flagsSum === flagsSum)
  return alike.splice(Math.max(0, at), 1)[0]
}

/** Those whose size or date one of the others has: after a crash few are looked for among many. */
function near(fresh: MessageTable, others: MessageTable): MessageTable {
  const sizes = new Set<number>()
  const dates = new Set<number>()
  for (let i = 0; i < others.length; i += 1) {
    sizes.add(others.size(i))
    dates.add(others.date(i))
  }
  const kept = new MessageTable()
  for (let i = 0; i < fresh.length; i += 1) {
    if (sizes.has(fresh.size(i)) || dates.has(fresh.date(i))) kept.add(fresh.uid(i), fresh.size(i), fresh.date(i))
  }
  return kept
}

function asCopied(
  { source, target }: Match,
  fresh: MessageTable,
  sending: readonly Sending[],
  flags: readonly string[] | undefined,
): Copied {
  const more = { targetUid: target, ...(flags === undefined ? {} : { flags }) }
  const sent = sending.find(({ uid }) => uid === source)
  if (sent !== undefined) return { ...sent, ...more }
  const row = fresh.rowOf(source) ?? -1
  const date = fresh.date(row)
  return { uid: source, size: fresh.size(row), ...more, ...(Number.isNaN(date) ? {} : { date }) }
}
