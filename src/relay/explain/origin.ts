/** SPF, DKIM, DMARC and ARC in an explanation: what is found as far as it can be asked, and what is left out, said aloud. */
import type { Message } from '../../mail/message/message.ts'
import type { Project } from '../../project/project.ts'
import type { Admission } from '../admit/admit.ts'
import { type Authenticator, resultsLine, type Verdict, verdictOn } from '../authenticate/authenticate.ts'
import type { MailFrom } from '../listen/listen.ts'

/** Where a stranger comes from and how it calls itself; '' is not known. */
export type Connection = { readonly address: string; readonly helo: string }

/** Checks that the gateway would make of this message and the explanation did not: the prediction is open as far as they count. */
export type NotChecked = {
  readonly checks: readonly ('spf' | 'dkim' | 'dmarc' | 'arc')[]
  readonly why: string
  readonly remedy: string
}

export type Origin = {
  readonly admission: Admission
  readonly reasons: readonly string[]
  readonly notChecked?: NotChecked
}

type Question = {
  readonly authenticator?: Authenticator
  readonly connection: Connection
  readonly project: Project
  readonly mailFrom: MailFrom
}

/** As the relay does it for mail from the internet, where there is somebody to ask and something to ask about. */
export async function originOf(question: Question, message: Message, admission: Admission): Promise<Origin> {
  const { peer, routed, held } = admission
  // Of mail that goes nowhere nobody asks where it comes from.
  if (peer.kind !== 'internet' || routed.length + held.length === 0) return { admission, reasons: [] }
  const { authenticator, connection, project, mailFrom } = question
  if (authenticator === undefined) return { admission, reasons: [], notChecked: nothingAsked(project) }
  const { hostname } = project.gateway
  const authentication = await authenticator.authenticate({ client: connection, mailFrom, message, hostname })
  const verdict = verdictOn(project.policy, authentication)
  const notChecked = missing(connection, mailFrom)
  const found = resultsLine(authentication)
  if (notChecked === undefined) return judged(admission, verdict, found)
  const unless =
    verdict.kind === 'passes' ? verdict.why : `unless SPF passes, it would be ${verdict.kind}: ${verdict.why}`
  const reasons = [`as far as it can be told without SPF: ${found}`, unless].filter((text) => text !== '')
  return { admission: { ...admission, authentication }, reasons, notChecked }
}

/** The verdict stands: what it refuses goes nowhere. */
function judged(admission: Admission, verdict: Verdict, found: string): Origin {
  if (verdict.kind === 'passes') return { admission, reasons: [found, verdict.why].filter((text) => text !== '') }
  const refusals = [...admission.refusals, { reply: verdict.reply, why: verdict.why }]
  return { admission: { ...admission, routed: [], held: [], refusals }, reasons: [found] }
}

function nothingAsked({ policy }: Project): NotChecked {
  const why = 'an explanation asks no DNS unless it is told to'
  return {
    checks: ['spf', 'dkim', 'dmarc', 'arc'],
    why: policy.dmarc === 'honour' ? `${why}; whether DMARC refuses the message is not known` : why,
    remedy: 'add --dns, and --client ADDRESS: where the message comes from',
  }
}

/** RFC 7208 section 2.4: of the null sender SPF asks about the name in EHLO. */
function missing({ address, helo }: Connection, { path }: MailFrom): NotChecked | undefined {
  const isNull = path.kind === 'null'
  if (address !== '' && !(isNull && helo === '')) return undefined
  const asks = 'an explanation has no connection, and SPF asks about the address that one comes from'
  return {
    checks: ['spf'],
    why: isNull ? `${asks}; for the null sender also about the name in its EHLO` : asks,
    remedy: isNull ? 'add --client ADDRESS and --helo NAME' : 'add --client ADDRESS: where the message comes from',
  }
}
