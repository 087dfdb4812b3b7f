/**
 * Whose is a connection? What every Microsoft 365 customer shares (addresses, certificate) and what anybody can write proves
 * nothing; a certificate counts when chain, dates, purpose and name were verified for this connection.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { issue, makeCa } from '../support/certificates.ts'
import { all, type Family, type Seen, type Try } from './attack.ts'
import { content, fieldOf, makeMark } from './letters.ts'
import { fabrikamServer, type Stage, secretHeader, sharedStage, wordFor } from './stage.ts'
import type { Who } from './visitor.ts'

export const attribution: Family = {
  name: 'attribution',
  title: 'whose connection is it: EchoSpoofing, forged headers, certificates (T1, T5, 2.9)',
  async run({ attempt }) {
    const stage = await sharedStage()
    await whoIsWho(stage, attempt)
    await borrowedFromMicrosoft(stage, attempt)
    await secretsThatLeave(stage, attempt)
    await alarm(stage, attempt)
    await certificates(stage, attempt)
    await resumed(stage, attempt)
  },
}

type Claim = { readonly as: Who; readonly sender: string; readonly top?: string }

/** To the outside: only a tenant may. */
async function tryRelay(stage: Stage, { as, sender, top = '' }: Claim) {
  const mark = makeMark()
  const letter = { from: `<${sender}>`, to: ['<victim@away.example>'], content: content({ mark, from: sender, top }) }
  return { mark, ...(await stage.send(as, letter)) }
}

const refusal = '550 5.7.1 and nothing sent'

async function mustNotRelay(stage: Stage, claim: Claim): Promise<Seen> {
  const { mark, reply, at } = await tryRelay(stage, claim)
  return all(
    `${at}: ${reply}`,
    [reply.startsWith('550 5.7.1'), `${at}: ${reply}`],
    [stage.found(mark).length === 0, 'it was sent'],
  )
}

async function mustRelay(stage: Stage, claim: Claim): Promise<Seen> {
  const { mark, reply } = await tryRelay(stage, claim)
  if (!reply.startsWith('250')) return { held: false, happened: reply }
  const { at, raw } = await stage.arrival(mark)
  const leaks = raw.toLowerCase().includes(secretHeader.toLowerCase()) || raw.includes(stage.secret)
  return all(`${reply}; at ${at}, without the secret`, [at === 'outside', `went to ${at}`], [!leaks, 'with the secret'])
}

const john = 'john@contoso.example'
const ann = 'ann@fabrikam.example'
const nora = 'nora@northwind.example'

/** The others prove something only when these hold. */
async function whoIsWho(stage: Stage, attempt: Try): Promise<void> {
  const { contoso, northwind, fabrikam, secret } = stage
  const isTaken = '250, relayed (control)'
  const top = `${secretHeader}: ${secret}\r\n${wordFor('contoso')}`
  await attempt('contoso: certificate, address, secret, organisation', isTaken, () =>
    mustRelay(stage, { as: contoso, sender: john, top }),
  )
  await attempt('northwind: certificate, address, organisation', isTaken, () =>
    mustRelay(stage, { as: northwind, sender: nora, top: wordFor('northwind') }),
  )
  await attempt('fabrikam: own certificate, own server name', isTaken, () =>
    mustRelay(stage, { as: fabrikam, sender: ann }),
  )
}

async function borrowedFromMicrosoft(stage: Stage, attempt: Try): Promise<void> {
  const { contoso, secret } = stage
  const right = `${secretHeader}: ${secret}\r\n`
  const ours = wordFor('contoso')
  const its = wordFor('northwind')
  const foreign = 'X-MS-Exchange-CrossTenant-Id: 99999999-2222-3333-4444-555555555555\r\n'
  const address = '127.0.40.1'
  const asContoso: Readonly<Record<string, string>> = {
    'another customer, no header at all': '',
    'another customer, its own organisation': foreign,
    'another customer, X-OriginatorOrg: evil.example': 'X-OriginatorOrg: evil.example\r\n',
    'another customer forges X-OriginatorOrg': 'X-OriginatorOrg: contoso.example\r\n',
    'another customer forges the organisation, no secret': ours,
    'the right secret, another organisation': right + foreign,
    'the right secret, no organisation': right,
    'the right secret, the organisation twice': right + ours + ours,
    'the right secret, the organisation and a foreign one': right + ours + foreign,
    'secret header wrong': `${secretHeader}: ${'0'.repeat(48)}\r\n${ours}`,
    'secret header empty': `${secretHeader}:\r\n${ours}`,
    'secret header cut short': `${secretHeader}: ${secret.slice(0, -1)}\r\n${ours}`,
    'secret header with one more character': `${secretHeader}: ${secret}0\r\n${ours}`,
    'secret header in capitals': `${secretHeader}: ${secret.toUpperCase()}\r\n${ours}`,
    'secret header twice, wrong and right': `${secretHeader}: x\r\n${right}${ours}`,
    'secret header twice, both right': right + right + ours,
    'secret in a field of another name': `X-Causeway-Key: ${secret}\r\n${ours}`,
    'secret as an encoded word': `${secretHeader}: =?utf-8?q?${secret}?=\r\n${ours}`,
    "northwind's organisation, contoso's sender": its,
    "contoso's secret, northwind's organisation": right + its,
  }
  for (const [attack, top] of Object.entries(asContoso))
    await attempt(attack, refusal, () => mustNotRelay(stage, { as: contoso, sender: john, top }))
  const others: readonly (readonly [string, Claim])[] = [
    ['everything right, but no TLS', { as: { address }, sender: john, top: right + ours }],
    ['everything right, but no certificate', { as: { address, tls: true }, sender: john, top: right + ours }],
    [
      'everything right, but the address',
      { as: { ...contoso, address: '127.0.41.1' }, sender: john, top: right + ours },
    ],
    ["contoso's proof, northwind's sender", { as: contoso, sender: nora, top: right + ours }],
    ["northwind's sender, a foreign organisation", { as: contoso, sender: nora, top: foreign }],
    ["northwind's organisation, no certificate", { as: { address }, sender: nora, top: its }],
    [
      "northwind's organisation, fabrikam's certificate",
      { as: { ...stage.fabrikam, serverName: 'gw.example.net', address }, sender: nora, top: its },
    ],
    ['null sender of another customer', { as: contoso, sender: '' }],
  ]
  for (const [attack, claim] of others) await attempt(attack, refusal, () => mustNotRelay(stage, claim))
}

/** However the right secret is spelled, it stays here. */
async function secretsThatLeave(stage: Stage, attempt: Try): Promise<void> {
  const { contoso, secret } = stage
  const spellings = {
    'in small letters': `${secretHeader.toLowerCase()}: ${secret}\r\n`,
    'without a blank': `${secretHeader}:${secret}\r\n`,
    folded: `${secretHeader}:\r\n ${secret}\r\n`,
    'folded twice, blanks behind': `${secretHeader}: \r\n\t${secret} \t\r\n`,
    'with a blank before the colon': `${secretHeader} : ${secret}\r\n`,
  }
  const expected = 'nothing of it at the next hop'
  for (const [name, top] of Object.entries(spellings))
    await attempt(`right secret, field ${name}`, expected, async () => {
      const { mark, reply } = await tryRelay(stage, { as: contoso, sender: john, top: top + wordFor('contoso') })
      if (!reply.startsWith('250')) return { held: reply.startsWith('550 5.7.1'), happened: reply }
      const { raw } = await stage.arrival(mark)
      const leaks = raw.includes(secret) || raw.toLowerCase().includes(secretHeader.toLowerCase())
      return all(`${reply}; gone`, [!leaks, 'it is still there'])
    })
  await attempt("contoso's secret field in mail of a stranger to contoso", expected, async () => {
    const mark = makeMark()
    const letter = content({ mark, to: 'john@shared.example', top: `${secretHeader}: guess-of-a-stranger\r\n` })
    const { reply } = await stage.send({}, { from: '<s@away.example>', to: ['<john@shared.example>'], content: letter })
    if (!reply.startsWith('250')) return { held: false, happened: reply }
    const { raw } = await stage.arrival(mark)
    return all(`${reply}; gone`, [fieldOf(raw, secretHeader) === undefined, 'it is still there'])
  })
}

/** Other customers write to us over the same connections: that is everyday mail, and no alarm. */
async function alarm(stage: Stage, attempt: Try): Promise<void> {
  const count = async (): Promise<number> => {
    const { text } = await stage.ask('GET', '/metrics')
    return Number(/^causeway_tenant_unproven_total (\d+)$/m.exec(text)?.[1])
  }
  await attempt('another customer relays: the alarm', 'counted at /metrics, once for a message', async () => {
    const before = await count()
    const { reply } = await tryRelay(stage, { as: stage.contoso, sender: john })
    const after = await count()
    return all(`${reply}; ${before}, then ${after}`, [after === before + 1, `${before}, then ${after}`])
  })
  for (const as of [stage.contoso, {}])
    await attempt(
      `a loop of ${as === stage.contoso ? 'another customer' : 'a stranger'}: the alarm`,
      '554, and not counted',
      async () => {
        const before = await count()
        const top = 'Received: from x by y.example; Thu, 01 Oct 2026 10:00:00 +0000\r\n'.repeat(101)
        const text = content({ mark: makeMark(), top })
        const { reply } = await stage.send(as, {
          from: '<s@away.example>',
          to: ['<john@shared.example>'],
          content: text,
        })
        const after = await count()
        return all(
          `${reply}; ${before}, then ${after}`,
          [reply.startsWith('554 5.4.6'), reply],
          [after === before, `${before}, then ${after}`],
        )
      },
    )
  await attempt('another customer writes to John: the alarm', 'taken, and not counted', async () => {
    const before = await count()
    const letter = { from: '<s@away.example>', to: ['<john@shared.example>'], content: content({ mark: makeMark() }) }
    const { reply } = await stage.send(stage.contoso, letter)
    const after = await count()
    return all(
      `${reply.slice(0, 9)}; ${before}, then ${after}`,
      [reply.startsWith('250'), reply],
      [after === before, `${before}, then ${after}`],
    )
  })
}

async function certificates(stage: Stage, attempt: Try): Promise<void> {
  const { fabrikam: ca, stranger, microsoft } = stage.authorities
  const name = 'mail.fabrikam.example'
  const names = [name]
  const middle = makeCa({ name: 'Fabrikam middle', parent: ca })
  const ordinary = issue({ ca, names: ['www.fabrikam.example'] })
  // Issued by a certificate that is no authority: what a careless chain builder climbs over.
  const climber = issue({ ca: { ...ca, ...ordinary, parent: ca }, names })
  const wrong = {
    'same name from another authority of the same name': issue({ ca: stranger, names }),
    "same name from Microsoft's authority": issue({ ca: microsoft, names }),
    'same name, signed by itself': issue({ names }),
    expired: issue({ ca, names, expired: true }),
    'not valid yet': issue({ ca, names, notYetValid: true }),
    'for S/MIME only': issue({ ca, names, usage: 'mail' }),
    'another name': issue({ ca, names: ['evil.example'] }),
    'a name below the demanded one': issue({ ca, names: [`x.${name}`] }),
    'a name with NUL': issue({ ca, names: [`${name}\0.evil.example`], commonName: 'x' }),
    'the right common name beside another SAN': issue({ ca, names: ['evil.example'], commonName: name }),
    'without its intermediate': { ...issue({ ca: middle, names }), chain: issue({ ca: middle, names }).cert },
    'issued by an ordinary certificate': { ...climber, chain: climber.cert + ordinary.cert },
  }
  for (const [attack, made] of Object.entries(wrong)) {
    const certificate = attack === 'without its intermediate' ? { ...made, chain: made.cert } : made
    const as = { certificate, serverName: fabrikamServer }
    await attempt(`fabrikam's certificate: ${attack}`, refusal, () => mustNotRelay(stage, { as, sender: ann }))
  }
  const own = stage.fabrikam
  for (const serverName of ['gw.example.net', 't1.gw.example.net', undefined]) {
    const as: Who =
      own.certificate === undefined ? {} : { certificate: own.certificate, ...(serverName && { serverName }) }
    await attempt(`fabrikam's certificate, server name ${serverName ?? 'none'}`, refusal, () =>
      mustNotRelay(stage, { as, sender: ann }),
    )
  }
  for (const usage of ['client', 'server'] as const)
    await attempt(`fabrikam's certificate for ${usage} authentication only`, '250, relayed (control)', () =>
      mustRelay(stage, { as: { certificate: issue({ ca, names, usage }), serverName: fabrikamServer }, sender: ann }),
    )
}

/** A second connection that resumes fabrikam's session, without its certificate. */
async function resumed(stage: Stage, attempt: Try): Promise<void> {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    await attempt(`session of fabrikam resumed, ${version}`, refusal, async () => {
      const session = await sessionOf(stage, version)
      const more = { minVersion: version, maxVersion: version, ...(session === undefined ? {} : { session }) }
      const as: Who = { tls: true, serverName: fabrikamServer, more }
      const seen = await mustNotRelay(stage, { as, sender: ann })
      return { ...seen, happened: `${session === undefined ? 'no ticket given' : 'ticket'}; ${seen.happened}` }
    })
}

async function sessionOf(stage: Stage, version: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer | undefined> {
  const plain = connect({ port: stage.port, host: '127.0.0.1' })
  const read = (): Promise<unknown> => once(plain, 'data')
  await read()
  plain.write('EHLO x\r\n')
  await read()
  plain.write('STARTTLS\r\n')
  await read()
  const { certificate } = stage.fabrikam
  const versions = { minVersion: version, maxVersion: version }
  const identity = certificate === undefined ? {} : { cert: certificate.chain, key: certificate.key }
  const socket: TLSSocket = connectTls({
    socket: plain,
    servername: fabrikamServer,
    rejectUnauthorized: false,
    ...identity,
    ...versions,
  })
  let session: Buffer | undefined
  socket.on('session', (given: Buffer) => {
    session = given
  })
  await once(socket, 'secureConnect')
  socket.write('EHLO x\r\n')
  await once(socket, 'data')
  socket.destroy()
  return session
}
