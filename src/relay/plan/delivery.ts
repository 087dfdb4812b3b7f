/** What a plan is made of. */
import type { FromReading } from '../../mail/header/header.ts'
import type { Entry, NextHop, Project, Tenant } from '../../project/project.ts'
import type { Direction, Pass, Peer, Routed } from '../admit/admit.ts'
import type { MailFrom, Recipient } from '../listen/listen.ts'

export type By = 'tenant' | 'return' | 'handover' | 'direct' | 'smarthost'

/** How a copy looks: mapped for the inside or the outside, or as it came. */
export type View = Direction | 'unchanged'

/** An address of the envelope, before and after. */
export type Given = { readonly given: string; readonly rewritten: string; readonly entry?: Entry }
export type PlannedRecipient = Given & { readonly recipient: Recipient }

export type Delivery = {
  readonly side: Direction
  readonly by: By
  readonly tenant?: Tenant
  /** For `direct`, host is the recipients' domain: its MX is asked for at delivery. */
  readonly nextHop: NextHop
  readonly view: View
  readonly mailFrom: Given
  readonly recipients: readonly PlannedRecipient[]
  readonly reasons: readonly string[]
}

export type Plan = { readonly deliveries: readonly Delivery[] }

export type Question = {
  readonly project: Project
  readonly peer: Peer
  readonly mailFrom: MailFrom
  readonly from: FromReading
  readonly pass: Pass | undefined
  readonly routed: readonly Routed[]
}
