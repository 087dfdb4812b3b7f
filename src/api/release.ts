/** Letting the held mail of a domain go: an order that survives a restart, and ends when all is gone and the domain is not on hold. */
import { z } from 'zod'
import { domainKey } from '../mail/address/address.ts'
import { type Project, servedDomain } from '../project/project.ts'
import { cameToText, orderText, type ReleaseOrder } from '../queue/queue.ts'
import { audited } from './audited.ts'
import type { Api, Desk } from './desk.ts'
import { Problem } from './problem.ts'
import { type Counted, countOf } from './queue-count.ts'
import { timeSchema, utc } from './time.ts'

/** Messages of one sender to one recipient keep their order; the rate is what the target is known to bear. */
const usualPerMinute = 300

const wanted = z.strictObject({
  whenAccepted: z
    .boolean()
    .default(false)
    .describe('Each recipient only once the target says that it takes the address'),
  perMinute: z.number().int().min(1).max(100_000).default(usualPerMinute).describe('Recipients'),
  replace: z
    .boolean()
    .default(false)
    .describe('Needed where an order that asks the target first is replaced by one that does not'),
})

const orderSchema = z.object({
  whenAccepted: z.boolean(),
  perMinute: z.number(),
  by: z.string(),
  since: timeSchema,
  released: z.number().describe('Recipients let go'),
  asked: z.number().describe('Questions to the target whether it takes an address'),
  notAccepted: z.number().describe('Of these, answers that were no'),
  noes: z
    .array(z.object({ kind: z.enum(['refused', 'later', 'unreached']), count: z.number(), words: z.string() }))
    .readonly()
    .describe('Of these: refused for good; not now, or not before the setup is mended; nobody there to be asked'),
})
/** How far it is. */
export const releaseSchema = z.object({
  domain: z.string(),
  mode: z.enum(['open', 'hold', 'retry-later']).optional().describe('Absent: the project does not serve it'),
  held: z.number().describe('Recipients held because of the domain'),
  isAtLeast: z.boolean().describe('Counted up to here; there are more'),
  order: orderSchema.optional(),
  last: orderSchema.extend({ ended: timeSchema }).optional().describe('The order that ended last'),
  advice: z.string(),
})
export const releaseEndedSchema = z.object({ domain: z.string(), ended: z.boolean() })

const params = z.object({ name: z.string() })
const path = '/v1/domains/:name/release'

export function releaseResource(api: Api, desk: Desk): void {
  const status = {
    summary: 'Held mail of a domain, and how far its release is',
    params,
    response: { 200: releaseSchema },
  }
  api.get(path, { schema: status }, ({ params: { name } }) => statusOf(desk, knownHere(name)))

  const order = { summary: 'Let the held mail of a domain go', params, body: wanted, response: { 200: releaseSchema } }
  api.post(path, { schema: order, config: { changes: 'domain.release' } }, async (request) => {
    const domain = knownHere(request.params.name)
    const before = await statusOf(desk, domain)
    if (before.mode === undefined && before.held === 0)
      throw new Problem(
        404,
        `no mail is held for ${domain}`,
        'the project does not serve this domain; look at `causeway queue`',
      )
    const { whenAccepted, perMinute, replace } = request.body
    if (before.order?.whenAccepted === true && !whenAccepted && !replace)
      throw new Problem(
        409,
        `a release of ${domain} is going on, each recipient once the target accepts it`,
        `causeway domain release ${domain} --status says how far it is; with --yes all goes at once instead`,
      )
    const work = ({ by }: { readonly by: string }) => desk.queue.orderRelease({ domain, whenAccepted, perMinute, by })
    await audited(desk, request, domain, work, () => ({
      before: before.order === undefined ? 'no order' : orderText(before.order),
      after: orderText({ whenAccepted, perMinute }),
    }))
    return statusOf(desk, domain)
  })

  const end = { summary: 'What is still held stays held', params, response: { 200: releaseEndedSchema } }
  api.delete(path, { schema: end, config: { changes: 'domain.release.end' } }, async (request) => {
    const domain = knownHere(request.params.name)
    const standing = await orderOf(desk, domain)
    if (standing === undefined) throw new Problem(409, `no release of ${domain} is going on`, 'there is nothing to end')
    const ended = await audited(
      desk,
      request,
      domain,
      () => desk.queue.endRelease(domain),
      (done) => ({
        before: orderText(standing),
        after: done === undefined ? 'no order' : `ended: ${cameToText(done)}`,
      }),
    )
    return { domain, ended: ended !== undefined }
  })
}

function knownHere(name: string): string {
  const key = domainKey(name)
  if (key !== '') return key
  throw new Problem(404, `"${name}" is not a domain`, 'write it like contoso.com')
}

async function statusOf(desk: Desk, domain: string): Promise<z.infer<typeof releaseSchema>> {
  const [held, order, last] = await Promise.all([
    heldOf(desk, domain),
    orderOf(desk, domain),
    desk.queue.lastRelease(domain),
  ])
  const mode = modeOf(desk.live.current(), domain)
  return {
    domain,
    ...(mode === undefined ? {} : { mode }),
    held: held.recipients,
    isAtLeast: held.isAtLeast,
    ...(order === undefined ? {} : { order: shown(order) }),
    ...(last === undefined ? {} : { last: { ...shown(last), ended: utc(last.endedAt) } }),
    advice: adviceOn(domain, mode, held.recipients, order),
  }
}

/** What is held because of the domain; what a person held stays until a person lets it go. */
export function heldOf(desk: Desk, domain: string): Promise<Counted> {
  return countOf(desk.queue, { domain, state: 'held', cause: 'domain' })
}

export async function orderOf(desk: Desk, domain: string): Promise<ReleaseOrder | undefined> {
  return (await desk.queue.releaseOrders()).find((order) => order.domain === domain)
}

function modeOf(project: Project | undefined, domain: string) {
  return project === undefined ? undefined : servedDomain(project, domain)?.mode
}

function adviceOn(domain: string, mode: string | undefined, held: number, order: ReleaseOrder | undefined): string {
  const open = mode === 'hold' ? `; new mail is held first until you say \`causeway domain open ${domain}\`` : ''
  if (order === undefined) return held === 0 ? 'nothing is held' : `let it go: causeway domain release ${domain}${open}`
  if (held === 0 && mode === 'hold')
    return `nothing is held any more; while ${domain} is on hold the order stands, and what comes goes by it; to end it: causeway domain release ${domain} --stop${open}`
  if (held === 0) return 'nothing is held any more; the order ends by itself within some minutes'
  if (order.whenAccepted && order.asked > 0 && order.notAccepted === order.asked)
    return `${whyNone(domain, order)}${open}`
  return `going on${open}`
}

/** What is wrong most often; an accepted domain is no question for a target that cannot be asked. */
function whyNone(domain: string, { noes }: ReleaseOrder): string {
  const [first] = noes.toSorted((a, b) => b.count - a.count)
  if (first?.kind === 'unreached') return 'the target cannot be reached: is it up, and its host right?'
  if (first?.kind === 'later') return 'the target does not take mail at the moment: its last words say why'
  return `the target takes none of the addresses yet: is ${domain} an accepted domain there, and do the mailboxes have their addresses?`
}

const stuckMs = 15 * 60_000

/** An order that let nothing go for long, though something is held: nobody looks at an order once it is given. */
export function stuckFor(order: ReleaseOrder, now: number): number | undefined {
  return now - order.progressAt < stuckMs ? undefined : now - order.progressAt
}

function shown({ whenAccepted, perMinute, by, at, released, asked, notAccepted, noes }: ReleaseOrder) {
  return { whenAccepted, perMinute, by, since: utc(at), released, asked, notAccepted, noes }
}
