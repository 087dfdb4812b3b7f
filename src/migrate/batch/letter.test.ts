import assert from 'node:assert/strict'
import { test } from 'node:test'
import PostalMime from 'postal-mime'
import { composeLetter } from './letter.ts'
import { errorsCsv, skippedCsv, statisticsCsv } from './report-csv.ts'
import { reportHtml, reportText } from './report-page.ts'
import { settingsSchema } from './settings.ts'
import type { MailboxRow } from './tables.ts'
import type { BatchView } from './views.ts'

const row = (more: Partial<MailboxRow>): MailboxRow => ({
  id: 1,
  batch: 1,
  row: 2,
  email: 'ann@new.example',
  key: 'ann@new.example',
  userName: 'ann',
  userRoot: '',
  targetUserName: '',
  targetRoot: '',
  sourceForm: '',
  targetForm: '',
  isChosen: true,
  status: 'Synced',
  statusAt: 0,
  statusWhy: '12 messages copied',
  failures: 0,
  crashes: 0,
  passes: 1,
  messages: 12,
  bytes: 3456,
  skipped: 0,
  score: 'Perfect',
  activeMs: 0,
  lastSyncedAt: Date.parse('2026-11-23T08:00:00Z'),
  ...more,
})
const bad = row({
  row: 3,
  email: 'bob@new.example',
  userName: "=cmd|' /C calc'!A0",
  status: 'Failed',
  statusWhy: 'source old.example:993: refused: "<b>no</b>\u001b[2J"',
  trouble: {
    kind: 'login',
    side: 'source',
    server: 'old.example:993',
    what: 'refused',
    words: 'no',
    remedy: '@try again',
  },
})

test('those that are done and those that failed stand in two files, and no cell is a formula', () => {
  assert.equal(
    statisticsCsv([row({}), bad]),
    'RowIndex,EmailAddress,UserName,Status,ItemsSynced,ItemsSkipped,BytesSynced,LastSuccessfulSync,ErrorCode,ErrorMessage,SuggestedFix\r\n' +
      '2,ann@new.example,ann,Synced,12,0,3456,2026-11-23T08:00:00.000Z,,,\r\n',
  )
  const errors = errorsCsv([row({}), bad])
  assert.match(errors, /\r\n3,bob@new\.example,'=cmd\|' \/C calc'!A0,Failed,/)
  assert.match(errors, /,login,"source old\.example:993: refused: ""<b>no<\/b>\\u001b\[2J""",'@try again\r\n$/)
})

test('the list of what was left out', () => {
  const item = {
    folder: '=1+1',
    uid: 5,
    date: '2026-01-01T00:00:00Z',
    subject: '-2',
    bytes: 9,
    kind: 'tooLarge',
    why: 'x',
  } as const
  assert.match(
    skippedCsv([['ann@new.example', item]]),
    /\r\nann@new\.example,'=1\+1,2026-01-01T00:00:00Z,'-2,9,tooLarge,x\r\n$/,
  )
})

const view: BatchView = {
  name: 'one',
  settings: settingsSchema.parse({ source: { host: 'old.example' }, target: { host: 'new.example' } }),
  wish: 'running',
  wishAt: 0,
  wishBy: 'ann',
  status: 'SyncedWithErrors',
  statusAt: 0,
  statusWhy: '1 mailbox failed',
  createdAt: 0,
  createdBy: 'ann',
  counts: { Synced: 1, Failed: 1 },
  summary: { Active: 0, Synced: 1, Completed: 0, Failed: 1, Stopped: 0 },
  sums: {
    mailboxes: 2,
    chosen: 2,
    messages: 12,
    bytes: 3456,
    allMessages: 12,
    allBytes: 3456,
    sized: 1,
    doneMessages: 12,
    doneBytes: 3456,
    skipped: 0,
    score: 'Perfect',
  },
  percent: 50,
  now: { messagesPerSecond: 0, bytesPerSecond: 0 },
  lately: { messagesPerSecond: 3, bytesPerSecond: 500_000 },
  toCheck: 0,
  active: [],
  places: { source: 4, target: 4 },
}
const facts = { view, failed: [bad], short: [], at: 0 }

test('the text says how it stands and what to try; the page runs nothing', () => {
  const text = reportText(facts)
  assert.match(text, /^Migration batch one: SyncedWithErrors\n/)
  assert.match(text, /Transfer rate lately +1\.80 GB\/hour, 3\.0 messages\/s/)
  assert.match(text, /row 3, bob@new\.example: source old\.example:993/)
  assert.doesNotMatch(text, /\u001b/)
  const html = reportHtml(facts)
  assert.doesNotMatch(html, /<script|<b>|\u001b/)
  assert.match(html, /&lt;b&gt;no&lt;\/b&gt;/)
  assert.match(html, /@media print/)
})

test('as a message: both forms and both files, in ASCII', async () => {
  const letter = {
    to: ['it@shared.example', 'ann@shared.example'],
    subject: 'Migration batch one: completed\r\nBcc: x@y',
    text: 'Grüße\n',
    html: '<p>Grüße</p>',
    files: [{ name: 'MigrationErrors.csv', csv: statisticsCsv([row({})]) }],
  }
  const raw = composeLetter(letter, 'gw.example.net', new Date('2026-11-23T08:00:00Z'))
  assert.ok(raw.every((byte) => byte < 0x80))
  assert.ok(
    raw
      .toString()
      .split('\r\n')
      .every((line) => line.length <= 998 && !line.includes('\n')),
  )
  const read = await PostalMime.parse(raw)
  assert.equal(read.subject, 'Migration batch one: completed??Bcc: x@y')
  assert.equal(read.from?.address, 'postmaster@gw.example.net')
  assert.deepEqual(
    read.to?.map(({ address }) => address),
    letter.to,
  )
  assert.equal(read.text?.trim(), 'Grüße')
  assert.match(read.html ?? '', /Grüße/)
  assert.equal(read.attachments[0]?.filename, 'MigrationErrors.csv')
  assert.equal(read.date, '2026-11-23T08:00:00.000Z')
})
