/** F13: the sender is gone in the middle of a message. Nobody gets a part of it, and nothing of the connection stays. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../support/smtp-client.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import type { Letter } from './ledger.ts'
import { stuffed } from './sender.ts'
import { setStage } from './stage.ts'

export const f13: Fault = { id: 'F13', title: 'client vanishes', run }

type Leaving = 'close' | 'half-close'

async function run({ isShort }: RunOptions): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  const served = await stage.start()
  const times = isShort ? 30 : 600
  for (let n = 0; n < times; n++) {
    const letter = stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@fabrikam.example`], bytes: 20_000 })
    // Cut anywhere, the last byte of the final dot not sent.
    await vanish(stage.port, letter, Math.random(), n % 2 === 0 ? 'close' : 'half-close')
  }
  // They came into the middle of others, who must not have noticed.
  for (let n = 0; n < 10; n++) {
    const letter = stage.ledger.write({ from: 'a@contoso.example', to: [`whole${n}@fabrikam.example`] })
    const { reply } = await stage.sender().send(letter)
    checks.must(reply.startsWith('250'), `a whole message was told ${JSON.stringify(reply)}`)
  }
  const open = await connectionsLeft(async () => (await served.metrics()).get('causeway_connections') ?? 0, 10)
  checks.must(open <= 10, `${open} connections are still open`)
  checks.must(!served.hasEnded, 'the program has ended')
  await stage.drain()
  const count = await stage.count()
  const parts = stage.ledger.order.filter(({ recipient }) => recipient.startsWith('r')).length
  checks.must(parts === 0, `${parts} messages arrived that were never finished`)
  return { count, did: `${times} messages cut short`, broken: [...brokenCounts(count), ...checks.broken] }
}

async function vanish(port: number, { from, to, raw }: Letter, where: number, way: Leaving): Promise<void> {
  const client = new Client(port)
  await client.reply('greeting')
  await client.ask('EHLO sender.example')
  await client.ask(`MAIL FROM:<${from}>`)
  for (const recipient of to) await client.ask(`RCPT TO:<${recipient}>`)
  await client.ask('DATA')
  const bytes = stuffed(raw).subarray(0, -1)
  client.send(bytes.subarray(0, Math.floor(where * (bytes.length + 1))))
  await sleep(where < 0.5 ? 0 : 5)
  if (way === 'half-close') client.halfClose()
  else client.destroy()
  await sleep(1)
  client.destroy()
}

/** Waits until no more than `most` are left, for some seconds. */
async function connectionsLeft(look: () => Promise<number>, most: number): Promise<number> {
  let left = await look()
  for (let tries = 0; tries < 50 && left > most; tries++) {
    await sleep(100)
    left = await look()
  }
  return left
}
