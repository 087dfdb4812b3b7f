/**
 * Opens the mailboxes of a row at both servers, and finds out which log-in form each wants. One account is tried a few times at most,
 * with pauses; an account that opens all mailboxes (an admin) is tried for one mailbox at a time until it has worked once, so that a
 * wrong password of it is not sent for each of thousands.
 */
import type { openImap } from '../imap/imap.ts'
import { type Connect, type Mailbox, MailboxTrouble } from '../mailbox/mailbox.ts'
import { type Candidate, candidates, inOrder, type Keys, type Proven } from './login-forms.ts'
import type { RowSecret } from './seal.ts'
import { portOf, type Server, type Side, serverName } from './settings.ts'
import type { MailboxRow } from './tables.ts'

export type OpenMailbox = (o: Parameters<typeof openImap>[0]) => Promise<Mailbox>

export type ReachParts = {
  readonly open: OpenMailbox
  /** Passwords of admins and tokens of apps. Rejects with MailboxTrouble. */
  readonly keys: (server: Server) => Promise<Keys>
  readonly proven: (batch: number, side: Side) => readonly Proven[]
  readonly onWorked: (mailbox: MailboxRow, side: Side, form: string) => void
  readonly betweenTriesMs: number
}

export type Reached = {
  readonly connect: Connect
  /** Which side a trouble came from, as far as it came from connecting. */
  readonly tried: () => readonly string[]
}

/** Refused for so many mailboxes in a row, without one success: an admin is not tried for more of them. */
const mostRefusals = 3

export type Reach = {
  side(side: Side, server: Server, mailbox: MailboxRow, secret: RowSecret): Reached
  /** Something was mended: what was given up is tried again. */
  forgive(batch: number): void
}

export function makeReach(parts: ReachParts): Reach {
  const doors = new Map<string, Door>()
  return {
    side(side, server, mailbox, secret) {
      const key = `${mailbox.batch} ${side}`
      const door = doors.get(key) ?? { turn: Promise.resolve(), refusals: 0 }
      doors.set(key, door)
      return reached({ ...parts, side, server, mailbox, secret, door })
    },
    forgive(batch) {
      for (const side of ['source', 'target']) doors.delete(`${batch} ${side}`)
    },
  }
}

type Door = { turn: Promise<unknown>; refusals: number; words?: string }
type Errand = ReachParts & {
  readonly side: Side
  readonly server: Server
  readonly mailbox: MailboxRow
  readonly secret: RowSecret
  readonly door: Door
}

function reached(errand: Errand): Reached {
  const { side, mailbox } = errand
  let own = side === 'source' ? mailbox.sourceForm : mailbox.targetForm
  const tried: string[] = []
  const connect: Connect = async (signal) => {
    const keys = await errand.keys(errand.server)
    const all = candidates(errand.server, side, mailbox, errand.secret, keys)
    // Asked when its turn has come: what worked for others meanwhile comes first.
    const order = () => inOrder(all, own, errand.proven(mailbox.batch, side))
    const first = async (): Promise<Mailbox> => {
      tried.length = 0
      const opened = await firstThatOpens(errand, order(), tried, signal)
      if (own === '') errand.onWorked(mailbox, side, opened.form)
      own = opened.form
      return opened.mailbox
    }
    return own === '' && errand.server.login.kind === 'admin' ? oneAtATime(errand, first) : first()
  }
  return { connect, tried: () => tried }
}

type Open = { readonly mailbox: Mailbox; readonly form: string }

async function oneAtATime(errand: Errand, work: () => Promise<Mailbox>): Promise<Mailbox> {
  const { door, proven, mailbox, side } = errand
  if (proven(mailbox.batch, side).length > 0) return work()
  const turn = door.turn.then(() => {
    if (proven(mailbox.batch, side).length === 0 && door.refusals >= mostRefusals) throw notTried(door.words ?? '')
    return work()
  })
  door.turn = turn.catch(() => undefined)
  try {
    const opened = await turn
    door.refusals = 0
    return opened
  } catch (error) {
    if (error instanceof MailboxTrouble && error.kind === 'login') {
      door.refusals += 1
      door.words = error.words
    }
    throw error
  }
}

const notTried = (words: string): MailboxTrouble =>
  new MailboxTrouble('login', 'the admin was refused for several mailboxes, and is not tried for more of them', {
    words,
  })

async function firstThatOpens(
  errand: Errand,
  order: readonly Candidate[],
  tried: string[],
  signal: AbortSignal,
): Promise<Open> {
  const { server, open, betweenTriesMs } = errand
  const endpoint = endpointOf(server)
  let last: MailboxTrouble | undefined
  for (const candidate of order) {
    if (last !== undefined) await pause(betweenTriesMs, signal)
    const { root } = candidate
    tried.push(candidate.shown)
    try {
      const mailbox = await open({
        endpoint,
        login: candidate.login,
        signal,
        ...(root === undefined ? {} : { userRoot: root }),
      })
      return { mailbox, form: candidate.form }
    } catch (error) {
      // Anything but a refusal says nothing of the form: [UNAVAILABLE], throttling, no connection.
      if (!(error instanceof MailboxTrouble) || error.kind !== 'login') throw error
      last = error
    }
  }
  throw last ?? new MailboxTrouble('login', `there is no way to log in at ${serverName(server)}`)
}

function endpointOf(server: Server): Parameters<OpenMailbox>[0]['endpoint'] {
  const { host, security, ca, allowUntrusted, serverName: servername } = server
  return {
    host,
    port: portOf(server),
    security,
    allowUntrusted,
    ...(ca === undefined ? {} : { ca }),
    ...(servername === undefined ? {} : { servername }),
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    const stop = (): void => {
      clearTimeout(timer)
      reject(new MailboxTrouble('stopped', 'it was told to stop'))
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
