/** The envelope as JSON, and back. The queue carries it and does not read it. */
import { z } from 'zod'
import { parseAddress, parsePath } from '../../mail/address/address.ts'
import type { Pass, TenantPeer } from '../admit/admit.ts'
import { type Authentication, authenticationShape } from '../authenticate/authenticate.ts'
import type { Client, MailFrom, Recipient } from '../listen/listen.ts'

type Proof = TenantPeer['proofs'][number]
const proofs: Readonly<Record<Proof, true>> = {
  certificate: true,
  address: true,
  'server name': true,
  'secret header': true,
  'its previous value': true,
  organisation: true,
}
const proofShape = z.custom<Proof>((value) => typeof value === 'string' && Object.hasOwn(proofs, value))

const clientShape = z.object({
  address: z.string(),
  helo: z.string(),
  esmtp: z.boolean(),
  tls: z.object({ protocol: z.string(), cipher: z.string() }).optional(),
})
const peerShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('internet'), why: z.string() }),
  z.object({
    kind: z.literal('tenant'),
    tenant: z.string(),
    proofs: z.array(proofShape).readonly(),
    certificateNames: z.array(z.string()).readonly(),
  }),
  // A report of ours; the tenant is the one that its reader writes through.
  z.object({ kind: z.literal('causeway'), tenant: z.string() }),
])
const passShape = z.object({
  project: z.string(),
  tenant: z.string(),
  direction: z.enum(['inside', 'outside']),
  at: z.number(),
})
const senderShape = z.object({
  text: z.string(),
  body: z.enum(['7BIT', '8BITMIME', 'BINARYMIME']),
  smtputf8: z.boolean(),
  ret: z.enum(['FULL', 'HDRS']).optional(),
  envid: z.string().optional(),
})
const envelopeShape = z.object({
  /** Grows when an older version could misread a newer one. */
  form: z.literal(1),
  client: clientShape,
  mailFrom: senderShape,
  peer: peerShape,
  pass: passShape.optional(),
  /** Checked once, when it came: by now the sender's keys may be others. */
  authentication: authenticationShape.optional(),
  via: z.enum(['DATA', 'BDAT']),
  /** When it was received, ms since 1970 by the wall clock: for its Received field. */
  arrivedAt: z.number(),
})
const factsShape = z.object({ notify: z.string().optional(), orcpt: z.string().optional() })

export type KeptPeer = z.infer<typeof peerShape>
type KeptSender = z.infer<typeof senderShape>
type KeptClient = z.infer<typeof clientShape>

/** An envelope read back. */
export type Kept = {
  readonly client: KeptClient
  readonly mailFrom: MailFrom
  readonly peer: KeptPeer
  readonly pass?: Pass
  readonly authentication?: Authentication
  readonly via: 'DATA' | 'BDAT'
  readonly arrivedAt: number
}

export function envelopeText(of: Omit<Kept, 'client'> & { readonly client: Client }): string {
  const { client, mailFrom, peer, pass, authentication, via, arrivedAt } = of
  const { text, body, smtputf8, ret, envid } = mailFrom
  const tls = client.tls && { protocol: client.tls.protocol, cipher: client.tls.cipher }
  return JSON.stringify({
    form: 1,
    client: { address: client.address, helo: client.helo, esmtp: client.esmtp, tls },
    mailFrom: { text, body, smtputf8, ret, envid } satisfies KeptSender,
    peer,
    pass,
    authentication,
    via,
    arrivedAt,
  })
}

/** The envelope of a report that we write ourselves, for somebody who writes through this tenant. */
export function ownEnvelope(of: { readonly tenant: string; readonly now: Date; readonly smtputf8: boolean }): string {
  return JSON.stringify({
    form: 1,
    client: { address: '', helo: '', esmtp: true },
    mailFrom: { text: '', body: '8BITMIME', smtputf8: of.smtputf8 } satisfies KeptSender,
    peer: { kind: 'causeway', tenant: of.tenant },
    via: 'DATA',
    arrivedAt: of.now.getTime(),
  })
}

export const factsText = ({ notify, orcpt }: Recipient): string => JSON.stringify({ notify, orcpt })

export type Unreadable = { readonly why: string }

export function readEnvelope(text: string): Kept | Unreadable {
  const read = parsed(envelopeShape, text)
  if ('why' in read) return { why: `the envelope in the queue cannot be read: ${read.why}` }
  const { client, mailFrom, peer, pass, authentication, via, arrivedAt } = read.value
  const path = parsePath(mailFrom.text)
  if (path.kind !== 'address' && path.kind !== 'null')
    return { why: 'the envelope in the queue cannot be read: its sender is no address' }
  const optional = {
    ...(pass === undefined ? {} : { pass }),
    ...(authentication === undefined ? {} : { authentication }),
  }
  return { client, mailFrom: { path, ...mailFrom }, peer, via, arrivedAt, ...optional }
}

export function readRecipient(kept: { readonly address: string; readonly facts: string }): Recipient | Unreadable {
  const address = parseAddress(kept.address)
  if (address === undefined) return { why: 'the recipient in the queue is no address' }
  const read = parsed(factsShape, kept.facts)
  if ('why' in read) return { why: `the recipient in the queue cannot be read: ${read.why}` }
  return { address, text: kept.address, ...read.value }
}

function parsed<T>(shape: z.ZodType<T>, text: string): { readonly value: T } | Unreadable {
  try {
    const result = shape.safeParse(JSON.parse(text))
    return result.success ? { value: result.data } : { why: z.prettifyError(result.error).replaceAll(/\s+/g, ' ') }
  } catch {
    return { why: 'it is no JSON' }
  }
}
