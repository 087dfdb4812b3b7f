/**
 * People of the lab: a mailbox that keeps what arrives, and what one does with it: write, answer, call a meeting, accept one.
 *
 * Promises: what arrived is kept byte for byte with its envelope; a message from a user has the user's primary address as
 *   P1 and P2.
 * Never: knows how mail travels; that is the `submit` of the system that the user belongs to.
 * On failure: `waitFor` answers undefined when nothing came in time; `accept` when there is nothing to accept.
 */
import { answerTo, type Draft, type Person, readCalendarPart, type Stored, writeLetter } from '../letter/letter.ts'
import { answerMeeting, type Correlation, callMeeting, type Meeting, track } from '../meeting/meeting.ts'
import type { Sent } from '../post/post.ts'
import { Mailbox } from './mailbox.ts'

export { Mailbox } from './mailbox.ts'

export type Submitted = { readonly messageId: string; readonly raw: Buffer; readonly results: readonly Sent[] }

export type User<T extends Stored = Stored> = {
  readonly person: Person
  /** All addresses of the mailbox, lower case, the primary one first. */
  readonly proxies: ReadonlySet<string>
  readonly mailbox: Mailbox<T>
  write(draft: Omit<Draft, 'from'>): Promise<Submitted>
  answer(to: Stored, text: string, o?: { readonly toAll?: boolean }): Promise<Submitted>
  invite(attendees: readonly Person[], subject: string): Promise<Submitted & { readonly meeting: Meeting }>
  accept(request: Stored): Promise<Submitted | undefined>
  /** Takes an answer into the tracking view of a meeting, as it would stand there. */
  track(meeting: Meeting, answer: Stored): Correlation | undefined
}

export type UserOptions = {
  readonly person: Person
  readonly proxies?: readonly string[]
  submit(letter: {
    readonly mailFrom: string
    readonly recipients: readonly string[]
    readonly raw: Buffer
  }): Promise<readonly Sent[]>
  /** Other addresses of a correspondent in the user's address book. */
  aliases?(address: string): readonly string[]
}

export function makeUser<T extends Stored>(o: UserOptions): User<T> {
  const { person } = o
  const proxies = new Set([person.address, ...(o.proxies ?? [])].map((address) => address.toLowerCase()))
  const write = async (draft: Omit<Draft, 'from'>): Promise<Submitted> => {
    const { raw, messageId } = writeLetter({ ...draft, from: person })
    const recipients = [...draft.to, ...(draft.cc ?? [])].map((each) => each.address)
    return { raw, messageId, results: await o.submit({ mailFrom: person.address, recipients, raw }) }
  }
  return {
    person,
    proxies,
    mailbox: new Mailbox<T>(),
    write,
    answer: (to, text, how) => write({ ...answerTo(to, proxies, how?.toAll === true), text }),
    invite: (attendees, subject) => invite(write, person, attendees, subject),
    accept: (request) => accept(write, request, proxies, person),
    track: (meeting, answer) => track(meeting, answer, (address) => [address, ...(o.aliases?.(address) ?? [])]),
  }
}

type Write = User['write']

async function invite(write: Write, person: Person, attendees: readonly Person[], subject: string) {
  const start = new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000 + 24 * 3_600_000)
  const { meeting, ics } = callMeeting(person, attendees, subject, start, 30)
  const sent = await write({
    to: attendees,
    subject,
    text: `${subject}, ${start.toISOString()}`,
    calendar: { method: 'REQUEST', ics },
  })
  return { ...sent, meeting }
}

async function accept(write: Write, request: Stored, proxies: ReadonlySet<string>, person: Person) {
  const ics = readCalendarPart(request.raw)
  const answer = ics === undefined ? undefined : answerMeeting(ics, proxies, person.name, 'ACCEPTED')
  if (answer === undefined) return undefined
  return write({
    to: [{ name: '', address: answer.organizer }],
    subject: `Accepted: ${answer.subject}`,
    text: `${person.name} has accepted.`,
    calendar: { method: 'REPLY', ics: answer.ics },
  })
}
