/** Contacts into a mailbox of a tenant, by Microsoft Graph. */
import { z } from 'zod'
import { putGraphContacts } from '../migrate/contacts/contacts.ts'
import { audited } from './audited.ts'
import type { Api, Desk } from './desk.ts'
import { accessSchema, granted, graphFor } from './tenant-access.ts'

const text = z.string().max(65_536)
const kind = z.enum(['work', 'home', 'other'])
const phoneKind = z.enum(['work', 'home', 'other', 'mobile', 'fax', 'homeFax', 'pager', 'main'])
/** What one of them may be at most. */
export const contactSchema = z.strictObject({
  prefix: text,
  given: text,
  middle: text,
  family: text,
  suffix: text,
  displayName: text.min(1),
  nickname: text,
  company: text,
  department: text,
  title: text,
  emails: z
    .array(z.strictObject({ kind, value: z.string().max(320) }))
    .max(100)
    .readonly(),
  phones: z
    .array(z.strictObject({ kind: phoneKind, value: text }))
    .max(100)
    .readonly(),
  addresses: z
    .array(z.strictObject({ kind, street: text, city: text, region: text, postalCode: text, country: text }))
    .max(20)
    .readonly(),
  urls: z.array(text).max(100).readonly(),
  birthday: z.string().max(10),
  anniversary: z.string().max(10),
  notes: text,
  categories: z.array(text).max(100).readonly(),
})
/** So many at a time that an answer comes before anybody gives up waiting for it. */
export const mostContacts = 50

export const contactsPutSchema = z.object({
  created: z.number(),
  there: z.number(),
  failed: z.array(z.object({ name: z.string(), why: z.string() })).readonly(),
})

export function contactsResource(api: Api, desk: Desk): void {
  const body = z.strictObject({
    access: accessSchema,
    user: z.string().min(3).max(320).describe('Whose mailbox: userPrincipalName or ID'),
    contacts: z.array(contactSchema).min(1).max(mostContacts).readonly(),
  })
  const put = {
    summary: 'Put contacts into a mailbox; those that are there stay as they are',
    body,
    response: { 200: contactsPutSchema },
  }
  api.post('/v1/contacts', { schema: put, config: { changes: 'contacts.put' } }, (request) => {
    const { access, user, contacts } = request.body
    return audited(
      desk,
      request,
      user,
      async () => granted(await putGraphContacts(graphFor(desk, access), user, contacts)),
      ({ created, there, failed }) => ({ after: `${created} put, ${there} there, ${failed.length} refused` }),
    )
  })
}
