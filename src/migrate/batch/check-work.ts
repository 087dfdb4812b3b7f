/** Each log-in tried at both ends, and a look at what is there. Nothing is written. */
import type { Survey } from '../copy/copy.ts'
import { type Ends, type Errand, endsOf, noPasswords, runSurvey } from './errand.ts'
import { type NewState, setState, setSurvey, setTally, setToCheck } from './mailboxes.ts'
import { bytesText, some } from './plural.ts'
import { standBatch } from './stand.ts'
import type { MailboxRow } from './tables.ts'

export async function checkWork(errand: Errand, isClosing: () => boolean): Promise<void> {
  const { ground, batch, mailbox } = errand
  const { db, now } = ground
  const ends = endsOf(errand)
  if (ends === undefined) {
    const trouble = noPasswords(batch.name)
    setState(db, mailbox.id, { status: 'Failed', why: trouble.what, at: now(), trouble })
  } else {
    setState(db, mailbox.id, { status: 'Validating', why: 'both log-ins are tried', at: now() })
    const survey = await runSurvey(errand, ends)
    // It is looked at after the next start.
    if (survey.kind === 'stopped' && isClosing()) return
    setState(db, mailbox.id, { ...found(errand, ends, survey), at: now() })
  }
  setToCheck(db, mailbox.id, false)
  standBatch(ground, batch.id)
}

function found({ ground, mailbox }: Errand, ends: Ends, survey: Survey): Omit<NewState, 'at'> {
  const { db, ledger } = ground
  switch (survey.kind) {
    case 'stopped':
      return { status: restingStatus(mailbox), why: 'the check was stopped' }
    case 'failed': {
      setSurvey(db, mailbox.id, undefined)
      const { trouble, text } = ends.explain(survey.trouble)
      return { status: 'Failed', why: text, trouble }
    }
    case 'surveyed': {
      const { folders, messages, bytes } = survey
      setSurvey(db, mailbox.id, { folders: folders.length, messages, bytes, notes: notesOf(survey) })
      const { messages: there, bytes: size, skipped } = ledger.counts(mailbox.id)
      const tally = { messages: there, bytes: size, skipped, score: mailbox.score }
      setTally(db, mailbox.id, { ...tally, allMessages: messages, allBytes: bytes })
      const why = `checked: ${some(messages, 'message')}, ${bytesText(bytes)} in ${some(folders.length, 'folder')}`
      return { status: restingStatus(mailbox), why, trouble: null }
    }
  }
}

const mostNotes = 50

function notesOf(survey: Extract<Survey, { kind: 'surveyed' }>): readonly string[] {
  const { leftOut, wouldSkipCount, wouldSkip } = survey
  const first = wouldSkip[0]
  return [
    ...leftOut.map(({ folder, messages, why }) => `${folder} is left out (${some(messages, 'message')}): ${why}`),
    ...(wouldSkipCount === 0
      ? []
      : [`${some(wouldSkipCount, 'message')} would be left out${first === undefined ? '' : `: ${first.why}`}`]),
  ].slice(0, mostNotes)
}

const restingStatus = ({ firstSyncedAt }: MailboxRow) =>
  firstSyncedAt === undefined ? 'Stopped' : 'IncrementalStopped'
