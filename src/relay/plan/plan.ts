/**
 * The plan: which copies go where, and how each must look. Frozen data with reasons, made before anything is changed or sent.
 *
 * Promises: the same project, message and envelope give the same plan; every admitted recipient is in exactly one delivery;
 *   a delivery fits into one transaction of its next hop.
 * Never: asks the network, the disk or the clock.
 * On failure: there is none; what may not be sent was refused by admit.
 */
import { type Address, domainKey, spell } from '../../mail/address/address.ts'
import type { Entry, Project } from '../../project/project.ts'
import type { Direction, Routed } from '../admit/admit.ts'
import type { MailFrom, Recipient } from '../listen/listen.ts'
import type { Delivery, Given, Plan, PlannedRecipient, Question, View } from './delivery.ts'
import { splitRecipients } from './split.ts'
import { type WayOut, wayOut } from './way-out.ts'

export type { By, Delivery, Given, Plan, PlannedRecipient, Question, View } from './delivery.ts'

/** Recipients that share a next hop and a view travel together, as far as the next hop takes them in one transaction. */
export function plan(question: Question): Plan {
  const groups = new Map<string, Delivery[]>()
  for (const routed of question.routed) {
    const one = deliveryFor(question, routed)
    const key = JSON.stringify([one.side, one.by, one.tenant?.name ?? '', one.nextHop.host, one.nextHop.port, one.view])
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push(one)
  }
  const deliveries = [...groups.values()].flatMap(together)
  return Object.freeze({ deliveries: Object.freeze(deliveries) })
}

/** Deliveries of one recipient each, alike in all else, made into as few as the next hop takes; each keeps its reasons. */
function together(alike: readonly Delivery[]): readonly Delivery[] {
  const [first] = alike
  if (first === undefined) return []
  const reasons = new Map(alike.flatMap((one) => one.recipients.map((recipient) => [recipient, one.reasons] as const)))
  return splitRecipients([...reasons.keys()], first.tenant).map((recipients) => {
    const why = new Set(recipients.flatMap((recipient) => reasons.get(recipient) ?? []))
    return Object.freeze({ ...first, recipients, reasons: [...why] })
  })
}

function deliveryFor(question: Question, { recipient, route }: Routed): Delivery {
  if (route.kind === 'inside') {
    const view = passes(question, 'inside') ? 'unchanged' : 'inside'
    return {
      side: 'inside',
      by: 'tenant',
      tenant: route.tenant,
      nextHop: route.tenant.to,
      view,
      mailFrom: asGiven(question.mailFrom),
      recipients: [given(recipient, route.to, route.entry)],
      reasons: [route.why, ...viewReasons(question, view)],
    }
  }
  const view = outsideView(question, recipient.address)
  const way = wayOut(question, route.domain, view)
  return {
    side: 'outside',
    ...way.hop,
    view,
    mailFrom: view === 'unchanged' ? asGiven(question.mailFrom) : outsideSender(question, way),
    recipients: [given(recipient, recipient.text)],
    reasons: [route.why, ...way.reasons, ...viewReasons(question, view)],
  }
}

const given = (recipient: Recipient, rewritten: string, entry?: Entry): PlannedRecipient => ({
  recipient,
  given: recipient.text,
  rewritten,
  ...(entry === undefined ? {} : { entry }),
})

const asGiven = (from: MailFrom): Given => ({ given: from.text, rewritten: from.text })

/** A copy that comes back with our pass was already mapped for that side; it is not mapped twice. */
const passes = (question: Question, side: Direction): boolean => question.pass?.direction === side

function outsideView(question: Question, to: Address): View {
  if (passes(question, 'outside') || isPartner(question.project, to)) return 'unchanged'
  return 'outside'
}

/** Partners see internal addresses: `policy.notRewrittenFor` takes addresses, domains, and `*.domain` for a domain with those below it. */
function isPartner(project: Project, to: Address): boolean {
  const domain = domainKey(to.domain)
  const address = spell(to).toLowerCase()
  return project.policy.notRewrittenFor.some((partner) => {
    if (partner.startsWith('*.')) return `.${domain}`.endsWith(partner.slice(1).toLowerCase())
    return partner.includes('@') ? partner.toLowerCase() === address : domainKey(partner) === domain
  })
}

/**
 * The envelope sender outside is the external address, so that reports find back through us. Under `return` without a
 * certificate of ours the tenant's own address stays: Exchange Online lets nothing else pass (relay rule, November 2023).
 */
function outsideSender({ project, mailFrom }: Question, way: WayOut): Given {
  if (mailFrom.path.kind === 'null' || way.keepsSender) return asGiven(mailFrom)
  const mapped = project.table.external(mailFrom.path.address)
  if (mapped.entry === undefined) return asGiven(mailFrom)
  return { given: mailFrom.text, rewritten: mapped.to, entry: mapped.entry }
}

function viewReasons(question: Question, view: View): readonly string[] {
  if (view !== 'unchanged') return []
  return [
    question.pass === undefined
      ? 'a partner (policy.notRewrittenFor): nothing is rewritten'
      : 'it carries our pass: already rewritten, not rewritten again',
  ]
}
