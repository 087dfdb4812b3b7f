/** A dry run: what a pass would find, and what it would make of it. */
import { instantOf, type Mailbox, MailboxTrouble } from '../mailbox/mailbox.ts'
import { type NotDone, type Sides, withBothSides } from './both-sides.ts'
import type { CopyOptions, Skipped } from './contract.ts'
import { type Mapped, mapFolders } from './folder-map.ts'
import { isWanted, mostBytes } from './selection.ts'
import { subjectOf } from './subject.ts'

export type SurveyJob = Sides & { readonly options: CopyOptions }

export type SurveyedFolder = {
  /** Joined by /. */
  readonly source: string
  readonly target: string
  readonly isNew: boolean
  readonly messages: number
  readonly bytes: number
  /** Already at the target, of whatever origin. */
  readonly targetMessages: number
}

export type Survey =
  | {
      readonly kind: 'surveyed'
      readonly folders: readonly SurveyedFolder[]
      readonly leftOut: readonly { readonly folder: string; readonly messages: number; readonly why: string }[]
      /** To be copied into an empty target. */
      readonly messages: number
      readonly bytes: number
      /** The first thousand. */
      readonly wouldSkip: readonly Skipped[]
      readonly wouldSkipCount: number
    }
  | NotDone

const mostListed = 1000

/** For `migrate check`: folders, counts, sizes, mapping, what would be skipped; nothing is written. */
export const surveyMailbox = (job: SurveyJob): Promise<Survey> =>
  withBothSides(job, (source, target) => survey(job, source, target))

async function survey(job: SurveyJob, source: Mailbox, target: Mailbox): Promise<Survey> {
  const [sources, targets] = await Promise.all([source.folders(), target.folders()])
  const kinds = { sourceKind: source.traits.kind, targetKind: target.traits.kind }
  const { mapped, leftOut } = mapFolders({ source: sources, target: targets, ...kinds, options: job.options })
  const [states, there] = await Promise.all([
    source.states(leftOut.map(({ folder }) => folder)),
    target.states(mapped.flatMap(({ existing }) => existing ?? [])),
  ])
  const skips: Skipped[] = []
  const folders: SurveyedFolder[] = []
  let wouldSkipCount = 0
  for (const m of mapped) {
    const found = await surveyFolder(job, source, m, target.traits.maxAppend)
    wouldSkipCount += found.skips.length
    skips.push(...found.skips.slice(0, mostListed - skips.length))
    folders.push({
      source: m.source.path.join('/'),
      target: m.path.join('/'),
      isNew: m.existing === undefined,
      messages: found.messages,
      bytes: found.bytes,
      targetMessages: there.get(m.existing?.id ?? '')?.messages ?? 0,
    })
  }
  return {
    kind: 'surveyed',
    folders,
    leftOut: leftOut.map(({ folder, why }) => ({
      folder: folder.path.join('/'),
      messages: states.get(folder.id)?.messages ?? 0,
      why,
    })),
    messages: folders.reduce((sum, folder) => sum + folder.messages, 0),
    bytes: folders.reduce((sum, folder) => sum + folder.bytes, 0),
    wouldSkip: skips,
    wouldSkipCount,
  }
}

type Found = { readonly messages: number; readonly bytes: number; readonly skips: readonly Skipped[] }

async function surveyFolder(job: SurveyJob, source: Mailbox, m: Mapped, maxAppend: number | undefined): Promise<Found> {
  const name = m.source.path.join('/')
  const most = mostBytes(job.options, maxAppend)
  const large = new Map<number, Skipped>()
  let [messages, bytes] = [0, 0]
  try {
    const open = await source.open(m.source, { readOnly: true })
    for await (const group of open.list()) {
      for (const { uid, size, internalDate } of group) {
        const instant = instantOf(internalDate)
        if (!isWanted(job.options, instant)) continue
        if (size > most.bytes) {
          const date = instant === undefined ? '' : new Date(instant).toISOString()
          large.set(uid, { folder: name, uid, date, subject: '', bytes: size, kind: 'tooLarge', why: most.why(size) })
          continue
        }
        messages += 1
        bytes += size
      }
    }
    for await (const group of open.headings([...large.keys()].slice(0, mostListed))) {
      for (const { uid, fields } of group) {
        const skip = large.get(uid)
        if (skip !== undefined) large.set(uid, { ...skip, subject: subjectOf(fields) })
      }
    }
  } catch (error) {
    if (!(error instanceof MailboxTrouble) || (error.kind !== 'refused' && error.kind !== 'changed')) throw error
    const why = error.words === '' ? error.message : error.words
    return {
      messages: 0,
      bytes: 0,
      skips: [{ folder: name, uid: 0, date: '', subject: '', bytes: 0, kind: 'folder', why }],
    }
  }
  return { messages, bytes, skips: [...large.values()] }
}
