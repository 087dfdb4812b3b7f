/** Contacts into a mailbox by Microsoft Graph (`POST /users/{id}/contacts`). */
import { z } from 'zod'
import type { Graph, GraphAnswer } from '../../tenants/graph/graph.ts'
import type { Contact } from './contact.ts'
import { graphContact } from './graph-contact.ts'

export type GraphPut = {
  readonly created: number
  /** Name and addresses are those of one that the mailbox has. */
  readonly there: number
  readonly failed: readonly { readonly name: string; readonly why: string }[]
}

const shape = z.object({
  displayName: z.string().nullish(),
  emailAddresses: z.array(z.object({ address: z.string().nullish() })).nullish(),
})

/** What is there already is left as it is, so that this may be done again after it was cut off. */
export async function putGraphContacts(
  graph: Graph,
  user: string,
  contacts: readonly Contact[],
): Promise<GraphAnswer<GraphPut>> {
  const path = `/users/${encodeURIComponent(user)}/contacts`
  const known = await graph.list(`${path}?$select=displayName,emailAddresses&$top=999`, shape)
  if (!known.ok) return known
  const keyOf = (name: string, addresses: readonly string[]): string => [name, ...addresses].join('\n').toLowerCase()
  const there = new Set(
    known.value.map((one) =>
      keyOf(
        one.displayName ?? '',
        (one.emailAddresses ?? []).map(({ address }) => address ?? ''),
      ),
    ),
  )
  const put = { created: 0, there: 0 }
  const failed: { name: string; why: string }[] = []
  for (const contact of contacts) {
    const key = keyOf(
      contact.displayName,
      contact.emails.slice(0, 3).map(({ value }) => value),
    )
    if (there.has(key)) {
      put.there += 1
      continue
    }
    const answer = await graph.post(path, graphContact(contact), z.unknown())
    if (answer.ok) put.created += 1
    else failed.push({ name: contact.displayName, why: answer.trouble.why })
  }
  return { ok: true, value: { ...put, failed } }
}
