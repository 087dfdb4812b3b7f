/** What a scene plays on: the lab, the gateway, the page that it writes, the checks that it makes. */
import type { GatewayApi } from '../api-client.ts'
import type { RunningGateway } from '../gateway.ts'
import { bareAddress, fieldText, type Stored } from '../letter/letter.ts'
import type { Outside } from '../outside/outside.ts'
import type { Lab } from '../start.ts'
import type { SimulatedTenant } from '../tenant/tenant.ts'
import type { Submitted, User } from '../user/user.ts'
import { heading, list, paragraph, type Row, sideBySide } from './page.ts'

export type Check = { readonly scene: number; readonly what: string; readonly held: boolean; readonly seen: string }

export type Stage = {
  readonly lab: Lab
  readonly gateway: RunningGateway
  readonly api: GatewayApi
  readonly dir: string
  readonly out: (text: string) => void
  readonly checks: Check[]
  scene: number
}

export function open(stage: Stage, title: string, text: string): void {
  stage.scene += 1
  stage.out(heading(stage.scene, title))
  stage.out(paragraph(text))
}

export const say = (stage: Stage, text: string): void => stage.out(paragraph(text))
export const items = (stage: Stage, lines: readonly string[]): void => stage.out(list(lines))

export function check(stage: Stage, what: string, held: boolean, seen = ''): void {
  stage.checks.push({ scene: stage.scene, what, held, seen })
  stage.out(`  [${held ? 'ok' : 'FAILED'}] ${what}${held || seen === '' ? '' : `\n           seen: ${seen}`}\n`)
}

export const checkEqual = (stage: Stage, what: string, seen: string, wanted: string): void =>
  check(stage, what, seen === wanted, `${seen || 'nothing'} instead of ${wanted}`)

export const party = (stage: Stage, name: string): SimulatedTenant => stage.lab.tenant(name)
export const outside = (stage: Stage): Outside => stage.lab.outside

/** The one arrival that a scene is about: by Message-ID, which nobody on the way may change. */
export async function arrival<T extends Stored>(
  user: User<T>,
  sent: Submitted | undefined,
  ms = 5000,
): Promise<T | undefined> {
  if (sent === undefined || sent.results.every((result) => result.kind !== 'delivered')) return undefined
  return user.mailbox.waitFor((message) => fieldText(message.raw, 'message-id') === sent.messageId, ms)
}

const shownFields = ['From', 'To', 'Cc', 'Reply-To', 'Subject'] as const

/** A message before and after: envelope and the fields that people see. */
export function compare(
  stage: Stage,
  left: { title: string; message: Stored },
  right: { title: string; message: Stored },
): void {
  const both = (label: string, read: (message: Stored) => string): Row => ({
    label,
    left: read(left.message),
    right: read(right.message),
  })
  const rows = [
    both('MAIL FROM', (m) => `<${m.mailFrom}>`),
    both('RCPT TO', (m) => `<${m.recipient}>`),
    ...shownFields.map((name) => both(name, (m) => fieldText(m.raw, name.toLowerCase()))),
    both('DKIM', (m) => signedBy(m)),
  ]
  stage.out(
    sideBySide(
      left.title,
      right.title,
      rows.filter((row) => row.left !== '' || row.right !== ''),
    ),
  )
}

function signedBy(message: Stored): string {
  const field = fieldText(message.raw, 'dkim-signature')
  const tag = (name: string) => new RegExp(`(?:^|;)\\s*${name}=([^;\\s]+)`).exec(field)?.[1] ?? '?'
  return field === '' ? 'not signed' : `signed by ${tag('d')}, selector ${tag('s')}`
}

/** As the user handed it to the tenant. */
export function asSent(sent: Submitted, recipient: string): Stored {
  return { raw: sent.raw, mailFrom: bareAddress(sent.raw, 'from'), recipient }
}
