/** Scene 7: somebody who is nobody's wants to send through the gateway. */
import { writeLetter } from '../letter/letter.ts'
import { gatewayHost, johnShared, lee } from './cast.ts'
import { check, items, open, outside, type Stage, say } from './stage.ts'

const nowhere = 'victim@elsewhere.example'

export async function stranger(stage: Stage): Promise<void> {
  open(
    stage,
    'A stranger tries to relay',
    `A server on the internet connects to Causeway and claims to be John, in MAIL FROM and in From. It has no certificate and no secret of a tenant: names prove nothing.
    It may write to people whom Causeway serves, and to nobody else.`,
  )
  const port = stage.gateway.smtp[0]?.port ?? 0
  const hop = { host: gatewayHost, port, tls: 'opportunistic', serverName: gatewayHost } as const
  const { raw } = writeLetter({
    from: { name: 'John Smith', address: johnShared },
    to: [{ name: '', address: nowhere }],
    subject: 'Urgent',
    text: 'Please pay.',
  })
  const before = Date.now()
  const [sent] = await outside(stage).handTo(hop, { mailFrom: johnShared, recipients: [nowhere], raw })
  items(stage, [`MAIL FROM:<${johnShared}>`, `RCPT TO:<${nowhere}>`, sent?.reply ?? 'no answer'])
  check(
    stage,
    'it is refused for good, and told why',
    sent?.kind === 'refused' && sent.reply.startsWith('550 5.7.1 '),
    sent?.reply,
  )

  const events = await stage.api.trace({ to: nowhere })
  const refusal = events.find((event) => event.kind === 'REJECT' && event.at >= before)
  say(stage, 'The reason for the operator stands in the trace, and is more exact than what the stranger was told:')
  items(stage, [refusal?.why ?? 'nothing'])
  check(stage, 'the trace says why', (refusal?.why ?? '') !== '')

  const [known] = await outside(stage).handTo(hop, {
    mailFrom: lee.address,
    recipients: ['nobody@shared.example'],
    raw,
  })
  check(stage, 'people whom the directory does not know are refused as well', known?.kind === 'refused', known?.reply)
}
