/**
 * Reports of the mailbox move go the way of the gateway's own mail: into the queue, from there to the tenant of each reader. People of
 * the project can be told, and nobody else: the gateway writes to no stranger on its own.
 */
import { randomUUIDv7 } from 'node:crypto'
import { domainKey, parseAddress } from '../mail/address/address.ts'
import { fieldValue, first, unfold } from '../mail/header/header.ts'
import { readMessage } from '../mail/message/message.ts'
import type { Sent } from '../migrate/migrate.ts'
import { type Project, servedDomain, tenantNamed, tenantOfDomain } from '../project/project.ts'
import type { NewMessage } from '../queue/queue.ts'
import { factsText, laneOfTenant, ownEnvelope } from '../relay/keep/keep.ts'
import type { Recorder } from '../relay/record/record.ts'
import type { Desk } from './desk.ts'

type Post = Pick<Desk, 'live' | 'queue' | 'now'> & {
  readonly recorder: Pick<Recorder, 'reported'>
  /** Something is due in the queue. */
  readonly kick: () => void
}
type Letter = { readonly to: readonly string[]; readonly raw: Buffer }

export function reportPost({ live, queue, now, recorder, kick }: Post): (letter: Letter) => Promise<Sent> {
  return async ({ to, raw }) => {
    const project = live.current()
    if (project === undefined) return { ok: false, why: 'no project is applied' }
    const why = whoCannotBeTold(project, to)
    if (why !== undefined) return { ok: false, why }
    for (const address of to) {
      const message = messageFor(project, address, raw, now())
      if (message === undefined) continue
      const put = await queue.put(message)
      if (!put.ok) return { ok: false, why: put.why }
      recorder.reported([message])
    }
    kick()
    return { ok: true }
  }
}

/** undefined: all of them can. */
export function whoCannotBeTold(project: Project | undefined, to: readonly string[]): string | undefined {
  if (to.length === 0) return undefined
  if (project === undefined) return 'no project is applied, so nobody can be told'
  const strangers = to.filter((address) => tenantOf(project, address) === undefined)
  if (strangers.length === 0) return undefined
  return `they cannot be told, because no tenant of the project has them: ${strangers.join(', ')}`
}

/** The tenant that has this person, or the domain. */
function tenantOf(project: Project, text: string): string | undefined {
  const address = parseAddress(text)
  if (address === undefined) return undefined
  const person = project.table.person(address)
  const inside = person === undefined ? undefined : parseAddress(person.internal)
  const tenant = tenantOfDomain(project, (inside ?? address).domain)
  if (tenant !== undefined) return tenant.name
  const unknown = servedDomain(project, address.domain)?.unknown
  return unknown === undefined || unknown.kind !== 'tenant' ? undefined : tenantNamed(project, unknown.tenant)?.name
}

function messageFor(project: Project, address: string, raw: Buffer, now: Date): NewMessage | undefined {
  const tenant = tenantOf(project, address)
  const parsed = parseAddress(address)
  if (tenant === undefined || parsed === undefined) return undefined
  const { header } = readMessage(raw)
  const text = (key: string): string => unfold(fieldValue(first(header, key) ?? { key, raw: '', colon: -1 }))
  return {
    id: randomUUIDv7(),
    sender: '',
    peer: 'causeway',
    messageId: text('message-id'),
    subject: text('subject'),
    envelope: ownEnvelope({ tenant, now, smtputf8: /[^\x00-\x7f]/.test(address) }),
    content: [raw],
    recipients: [
      {
        address,
        domain: domainKey(parsed.domain),
        // RFC 3464 section 2: nobody is told what becomes of a report.
        facts: factsText({ address: parsed, text: address, notify: 'NEVER' }),
        lane: laneOfTenant(tenant),
        state: 'waiting',
        attempts: 0,
        reply: '',
        why: 'a report on the mailbox move',
      },
    ],
  }
}
