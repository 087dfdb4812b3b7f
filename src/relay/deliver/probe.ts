/** Asks whether a hop would take mail for somebody, and sends nothing. */
import type { Reply } from '../../mail/reply/reply.ts'
import type { Attempt, Probed, Timeouts } from './attempt.ts'
import type { Destination } from './destination.ts'
import { advice } from './meaning.ts'
import { isPositive } from './outcome.ts'
import type { Patience } from './run.ts'
import type { Failed, Session } from './session.ts'
import { together } from './session.ts'
import { askOnly } from './transaction.ts'
import { connectionLost, said } from './wire.ts'

export async function probe(
  places: readonly Destination[],
  mailFrom: string,
  recipients: readonly string[],
  timeouts: Timeouts,
  deadline: AbortSignal | undefined,
): Promise<readonly Probed[]> {
  const patience: Patience = { over: deadline?.aborted ?? false, stop: undefined }
  const passed = (): void => {
    patience.over = true
    patience.stop?.()
  }
  deadline?.addEventListener('abort', passed, { once: true })
  try {
    return await askAny(places, envelopeOf(places, mailFrom, recipients), patience, timeouts)
  } finally {
    deadline?.removeEventListener('abort', passed)
  }
}

/** The first place that gets as far as MAIL answers for all of them, as it would for a message. */
async function askAny(
  places: readonly Destination[],
  envelope: Attempt,
  patience: Patience,
  timeouts: Timeouts,
): Promise<readonly Probed[]> {
  const failures: Failed[] = []
  for (const place of places) {
    if (patience.over) break
    const answers = await askAt(place, envelope, patience, timeouts)
    if (!('kind' in answers)) return answers.map(judge)
    failures.push(answers)
  }
  const { reply, why } = together(failures, places[0]?.name ?? '')
  return envelope.recipients.map(() => ({ kind: 'unknown', reply, why, unreached: true }))
}

async function askAt(
  place: Destination,
  envelope: Attempt,
  patience: Patience,
  timeouts: Timeouts,
): Promise<readonly Reply[] | Failed> {
  for (let fresh = false; ; fresh = true) {
    const session: Session | Failed = await place.take(patience, fresh)
    if ('kind' in session) return session
    patience.stop = () => session.wire.lose('the deadline passed')
    if (patience.over) patience.stop()
    const answers = await askOnly(session, envelope, timeouts)
    patience.stop = undefined
    place.give(session)
    if (answers !== undefined) return answers
  }
}

/** Words of ours are no words of the hop. */
const silence: Probed = { kind: 'unknown', reply: connectionLost, why: 'it fell silent or hung up', unreached: true }

function judge(reply: Reply): Probed {
  if (reply === connectionLost) return silence
  const kind = isPositive(reply) ? 'accepted' : reply.code >= 500 && reply.code < 600 ? 'refused' : 'unknown'
  const sentence = advice(reply)
  return { kind, reply, why: sentence === undefined ? said(reply) : `${said(reply)}; ${sentence}` }
}

const envelopeOf = (places: readonly Destination[], mailFrom: string, recipients: readonly string[]): Attempt => ({
  hop: places.map((place) => place.hop),
  mailFrom,
  recipients: recipients.map((address) => ({ address })),
  content: [],
  body: '7BIT',
  smtputf8: false,
  via: 'DATA',
  helo: '',
})
