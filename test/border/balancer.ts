/** Behind load balancers: who the client is, only a listed balancer may say, once, before everything else. And proofs that change while a connection is open. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../support/smtp-client.ts'
import { all, type Family, type Seen, type Try } from './attack.ts'
import { content, makeMark } from './letters.ts'
import { type Stage, secretHeader, sharedStage, wordFor } from './stage.ts'
import { submit } from './visitor.ts'

export const balancer: Family = {
  name: 'balancer',
  title: 'PROXY headers, and proofs that change while a connection is open (2.9)',
  async run({ attempt }) {
    const stage = await sharedStage()
    await stage.apply((text) =>
      text.replace('gateway: { ', `gateway: { proxies: [${listed}], `).replace(...relayByAddress),
    )
    await headers(stage, attempt)
    await stage.apply((text) => text)
    await changedSecret(stage, attempt)
    await stage.apply((text) => text)
  },
}

const listed = '127.0.60.1'
/** While balancers are tried fabrikam is known by an address that only a PROXY header can name. */
const relayByAddress = [/from: \{ certificate: \[mail\.fabrikam.*\}/, 'from: { addresses: [192.0.2.0/24] }'] as const

const signature = '\r\n\r\n\0\r\nQUIT\n'
const addresses = '\xc0\0\x02\x07\xc0\0\x02\x19\x12\x67\0\x19'
const one = 'PROXY TCP4 192.0.2.7 192.0.2.25 4711 25\r\n'
const binary = (command: number, family: number, rest: string, length = rest.length): string =>
  `${signature}${String.fromCharCode(command, family, length >> 8, length & 255)}${rest}`
const two = binary(0x21, 0x11, addresses)
const value = (length: number): string => `\xea${String.fromCharCode(length >> 8, length & 255)}${'x'.repeat(length)}`

/** May whoever begins so relay for fabrikam? What it heard, the last word first. */
async function begin(stage: Stage, bytes: string, from = listed, isSplit = false): Promise<string> {
  const client = new Client(stage.port, from, 1000)
  const heard: string[] = []
  try {
    for (const piece of isSplit ? bytes : [bytes]) {
      client.send(Buffer.from(piece, 'latin1'))
      if (isSplit) await sleep(1)
    }
    heard.push(await client.reply('greeting'))
    for (const command of [
      'EHLO v.example',
      'MAIL FROM:<ann@fabrikam.example>',
      'RCPT TO:<victim@away.example>',
      'QUIT',
    ])
      heard.push(await client.ask(command))
    heard.push(...(await client.rest()))
  } catch (error) {
    heard.push(String(error).includes('closed') ? 'closed' : 'no answer')
  } finally {
    client.destroy()
  }
  return heard.filter((line) => line !== '' && !/^(?:220|221|250[- ](?!2\.1\.5))/.test(line)).join('; ')
}

const mayRelay = (heard: string): boolean => heard.includes('250 2.1.5')

async function headers(stage: Stage, attempt: Try): Promise<void> {
  const asTenant: Readonly<Record<string, string>> = {
    'version 1 (control)': one,
    'version 2 (control)': two,
    'version 2 with a hundred values behind the address': binary(0x21, 0x11, addresses + value(20).repeat(100)),
  }
  const asNobody: Readonly<Record<string, string>> = {
    'version 2 with 64 KiB of values': binary(0x21, 0x11, addresses + value(65_000)),
    'version 2 that says it is longer than it is': binary(0x21, 0x11, addresses, 4000),
    'version 2 that says it is shorter than its address': binary(0x21, 0x11, addresses, 8),
    'LOCAL with the address of a tenant': binary(0x20, 0x11, addresses),
    'UNSPEC with the address of a tenant': binary(0x21, 0, addresses),
    'a unix socket, named as the address of a tenant': binary(0x21, 0x31, `192.0.2.7${'\0'.repeat(207)}`),
    'datagrams from the address of a tenant': binary(0x21, 0x12, addresses),
    'UNKNOWN with the address of a tenant': 'PROXY UNKNOWN 192.0.2.7 192.0.2.25 4711 25\r\n',
    'a line of 108 bytes': `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
    'a stranger, and behind it a second header with a tenant': `${one.replace('192.0.2.7', '198.51.100.7')}${one}`,
    'a stranger, and behind it a second header in binary': `${one.replace('192.0.2.7', '198.51.100.7')}${two}`,
    'LOCAL, and behind it a header with a tenant': `${binary(0x20, 0, '')}${one}`,
    'no header': 'EHLO visitor.example\r\n',
  }
  for (const [what, bytes] of Object.entries(asTenant))
    for (const isSplit of bytes.length < 200 ? [false, true] : [false])
      await attempt(`PROXY: ${what}${isSplit ? ', byte by byte' : ''}`, '250 at RCPT', async () => {
        const happened = await begin(stage, bytes, listed, isSplit)
        return { held: mayRelay(happened), happened }
      })
  for (const [what, bytes] of Object.entries(asNobody))
    await attempt(`PROXY: ${what}`, 'closed, or no: not the tenant', () => refused(begin(stage, bytes)))
  for (const [what, bytes] of Object.entries({ 'version 1': one, 'version 2': two }))
    await attempt(`PROXY: ${what} from an address that is not listed`, 'no: not the tenant', () =>
      refused(begin(stage, bytes, '127.0.60.2')),
    )
}

async function refused(asked: Promise<string>): Promise<Seen> {
  const happened = await asked
  return { held: happened !== '' && !mayRelay(happened), happened }
}

/** One connection of contoso, and several messages in it. */
async function changedSecret(stage: Stage, attempt: Try): Promise<void> {
  const before = 'the-value-that-is-being-given-up'
  const file = join(stage.dir, 'previous.secret')
  writeFileSync(file, `${before}\n`, { mode: 0o600 })
  const both = (text: string) =>
    text.replace('valueFile: contoso.secret', 'valueFile: contoso.secret, previousValueFile: previous.secret')
  await stage.apply(both)
  const client = await stage.visit(stage.contoso)
  const relayed = async (top: string) => {
    const mark = makeMark()
    const sender = 'john@contoso.example'
    const letter = { from: `<${sender}>`, to: ['<victim@away.example>'], content: content({ mark, from: sender, top }) }
    return { mark, ...(await submit(client, letter)) }
  }
  const word = wordFor('contoso')
  const withSecret = (secret: string, rest = word) => `${secretHeader}: ${secret}\r\n${rest}`
  const tried = (what: string, expected: '250' | '550 5.7.1', top: string) =>
    attempt(`open connection: ${what}`, expected, async () => {
      const { reply, mark } = await relayed(top)
      const isSent = expected === '550 5.7.1' && stage.found(mark).length > 0
      return all(reply, [reply.startsWith(expected), reply], [!isSent, 'it was sent'])
    })
  await tried('the previous value while it is exchanged (control)', '250', withSecret(before))
  await tried('the present value (control)', '250', withSecret(stage.secret))
  const folded = word.replace(': ', ':\r\n ')
  await tried('the organisation folded', '250', withSecret(stage.secret, folded))
  const name = word.slice(0, word.indexOf(':'))
  const wrong = { twice: `${word}${word}`, empty: `${name}:\r\n`, 'empty and right': `${name}: \r\n${word}` }
  for (const [what, rest] of Object.entries(wrong))
    await tried(`the organisation ${what}`, '550 5.7.1', withSecret(stage.secret, rest))
  await stage.apply((text) => text)
  await tried('the previous value when it has been given up', '550 5.7.1', withSecret(before))
  await tried('the present value then (control)', '250', withSecret(stage.secret))
  client.destroy()
  await attempt('log and audit of such an exchange', 'neither value', async () => {
    const isTold = [before, stage.secret].some((secret) => stage.gateway.log().includes(secret))
    return { held: !isTold, happened: isTold ? 'a value is in the log' : 'neither value' }
  })
}
