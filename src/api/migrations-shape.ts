/** Batches and mailboxes of the move as the API answers them. */
import { z } from 'zod'
import {
  type Active,
  type BatchView,
  batchStatuses,
  settingsSchema,
  type UserDetail,
  type UserView,
  userStatuses,
} from '../migrate/migrate.ts'
import { maybeUtc, timeSchema, utc } from './time.ts'

const rate = z.object({ messagesPerSecond: z.number(), bytesPerSecond: z.number() })

const activeSchema = z.object({
  email: z.string(),
  kind: z.enum(['pass', 'check', 'compare']),
  since: timeSchema,
  folder: z.string().describe('Being worked on; empty between folders'),
  messages: z.number().describe('To copy in this pass, as far as known'),
  messagesDone: z.number(),
  bytes: z.number(),
  bytesDone: z.number(),
  waiting: z.string().describe('What it waits for; empty when it works'),
  waitingUntil: timeSchema.optional(),
})

const counts = z.object({
  Active: z.number(),
  Synced: z.number(),
  Completed: z.number(),
  Failed: z.number(),
  Stopped: z.number(),
})

export const batchSchema = z.object({
  name: z.string(),
  status: z.enum(batchStatuses).describe('In the words of Get-MigrationBatch'),
  statusAt: timeSchema,
  statusWhy: z.string(),
  summary: counts.describe('Mailboxes that take part, in the words of Get-MigrationUser -StatusSummary'),
  statuses: z.record(z.string(), z.number()).describe('The same by their exact status'),
  mailboxes: z.number().describe('In the batch'),
  chosen: z.number().describe('That take part'),
  percent: z.number(),
  messages: z.number().describe('At the target by now'),
  bytes: z.number(),
  allMessages: z.number().describe('At the source, of those that were looked at'),
  allBytes: z.number(),
  skipped: z.number(),
  score: z.string().describe('DataConsistencyScore of the worst mailbox; empty before the first pass'),
  now: rate,
  lately: rate.describe('Over the last ten minutes'),
  secondsLeft: z.number().optional(),
  toCheck: z.number().describe('Mailboxes whose log-ins are still to be tried'),
  places: z.object({ source: z.number(), target: z.number() }).describe('Mailboxes at once that each server bears'),
  active: z.array(activeSchema).describe('At most 50'),
  created: timeSchema,
  createdBy: z.string(),
  started: timeSchema.optional(),
  firstDone: timeSchema.optional(),
  completed: timeSchema.optional(),
  pausedUntil: timeSchema.optional(),
  lingerUntil: timeSchema.optional(),
  settings: settingsSchema.optional(),
})
export const batchesSchema = z.object({ batches: z.array(batchSchema) })

export function shownBatch(view: BatchView): z.infer<typeof batchSchema> {
  const { sums, summary, counts: statuses, settings } = view
  return {
    name: view.name,
    status: view.status,
    statusAt: utc(view.statusAt),
    statusWhy: view.statusWhy,
    summary,
    statuses: { ...statuses },
    mailboxes: sums.mailboxes,
    chosen: sums.chosen,
    percent: view.percent,
    messages: sums.messages,
    bytes: sums.bytes,
    allMessages: sums.allMessages,
    allBytes: sums.allBytes,
    skipped: sums.skipped,
    score: sums.score,
    now: view.now,
    lately: view.lately,
    ...(view.secondsLeft === undefined ? {} : { secondsLeft: view.secondsLeft }),
    toCheck: view.toCheck,
    places: view.places,
    active: view.active.map(shownActive),
    created: utc(view.createdAt),
    createdBy: view.createdBy,
    ...maybeUtc('started', view.startedAt),
    ...maybeUtc('firstDone', view.firstDoneAt),
    ...maybeUtc('completed', view.completedAt),
    ...maybeUtc('pausedUntil', view.pausedUntil),
    ...maybeUtc('lingerUntil', view.lingerUntil),
    ...(settings === undefined ? {} : { settings }),
  }
}

function shownActive({ since, waitingUntil, ...rest }: Active): z.infer<typeof activeSchema> {
  return { ...rest, since: utc(since), ...maybeUtc('waitingUntil', waitingUntil) }
}

const troubleSchema = z.object({
  kind: z.string(),
  side: z.enum(['source', 'target', '']),
  server: z.string(),
  what: z.string(),
  words: z.string().describe('What the server said'),
  remedy: z.string(),
})

export const userSchema = z.object({
  id: z.number(),
  row: z.number().describe('Line of the CSV file'),
  email: z.string(),
  userName: z.string(),
  targetUserName: z.string(),
  status: z.enum(userStatuses).describe('In the words of Get-MigrationUser'),
  statusAt: timeSchema,
  statusWhy: z.string(),
  takesPart: z.boolean(),
  trouble: troubleSchema.optional(),
  messages: z.number().describe('At the target by now'),
  bytes: z.number(),
  allMessages: z.number().optional(),
  allBytes: z.number().optional(),
  percent: z.number(),
  skipped: z.number(),
  score: z.string(),
  passes: z.number(),
  next: timeSchema.optional(),
  firstSynced: timeSchema.optional(),
  lastSynced: timeSchema.optional(),
  activeSeconds: z.number(),
  sourceForm: z.string().describe('Log-in form that works; empty while it is not known'),
  targetForm: z.string(),
  hasPassword: z.boolean(),
  survey: z
    .object({ folders: z.number(), messages: z.number(), bytes: z.number(), notes: z.array(z.string()).readonly() })
    .optional()
    .describe('What the check found'),
})
export const usersSchema = z.object({
  users: z.array(userSchema),
  next: z.number().optional().describe('More may follow: ask again with it as `after`'),
})

export function shownUser(u: UserView): z.infer<typeof userSchema> {
  const { id, row, email, userName, targetUserName, status, statusWhy, trouble, messages, bytes } = u
  return {
    id,
    row,
    email,
    userName,
    targetUserName,
    status,
    statusAt: utc(u.statusAt),
    statusWhy,
    takesPart: u.isChosen,
    ...(trouble === undefined ? {} : { trouble }),
    messages,
    bytes,
    ...(u.allMessages === undefined ? {} : { allMessages: u.allMessages }),
    ...(u.allBytes === undefined ? {} : { allBytes: u.allBytes }),
    percent: percentOf(u),
    skipped: u.skipped,
    score: u.score,
    passes: u.passes,
    ...maybeUtc('next', u.nextAt),
    ...maybeUtc('firstSynced', u.firstSyncedAt),
    ...maybeUtc('lastSynced', u.lastSyncedAt),
    activeSeconds: Math.round(u.activeMs / 1000),
    sourceForm: u.sourceForm,
    targetForm: u.targetForm,
    hasPassword: u.hasPassword,
    ...(u.survey === undefined ? {} : { survey: u.survey }),
  }
}

function percentOf({ messages, bytes, allMessages, allBytes, firstSyncedAt }: UserView): number {
  if (allBytes === undefined || allMessages === undefined) return 0
  const part =
    allBytes > 0 ? bytes / allBytes : allMessages > 0 ? messages / allMessages : firstSyncedAt === undefined ? 0 : 1
  return Math.floor(1000 * Math.min(1, part)) / 10
}

export const skippedItemSchema = z.object({
  folder: z.string(),
  uid: z.number(),
  date: z.string(),
  subject: z.string(),
  bytes: z.number(),
  kind: z.string(),
  why: z.string(),
})

export const userDetailSchema = userSchema.extend({
  servers: z.object({ source: z.string(), target: z.string() }),
  history: z.array(z.object({ at: timeSchema, status: z.string(), why: z.string() })),
  skippedItems: z.array(skippedItemSchema),
  moreSkipped: z.number(),
  active: activeSchema.optional(),
  comparison: z.unknown().optional().describe('What the comparison of both sides after the final pass found'),
})

export function shownDetail(d: UserDetail): z.infer<typeof userDetailSchema> {
  return {
    ...shownUser(d.user),
    servers: d.servers,
    history: d.history.map(({ at, status, why }) => ({ at: utc(at), status, why })),
    skippedItems: [...d.skipped],
    moreSkipped: d.moreSkipped,
    ...(d.active === undefined ? {} : { active: shownActive(d.active) }),
    ...(d.user.comparison === undefined ? {} : { comparison: JSON.parse(d.user.comparison) }),
  }
}
