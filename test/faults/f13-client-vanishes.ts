/**
 * F13: the sender is gone in the middle of a message: it closed, was reset, was killed, or a wire was cut and nobody ever says
 * so. Nobody gets a part of the message, and nothing of the connection stays.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from '../support/smtp-client.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { addUp, type Letter } from './ledger.ts'
import { firstOf, lacks, needsRoot } from './machine.ts'
import { stuffed } from './sender.ts'
import { type Stage, setStage } from './stage.ts'
import type { Vanishing } from './vanishing.ts'
import { openWire, playInside } from './wire.ts'

export const f13: Fault = { id: 'F13', title: 'client vanishes', run }

const ways = ['close', 'half-close', 'reset'] as const
type Leaving = (typeof ways)[number]

async function run(o: RunOptions): Promise<Finding> {
  const heard = await cutShort(o)
  o.say(heard.did)
  const why = firstOf(needsRoot('a network of its own'), lacks('ip', 'tc'))
  const unheard = why === undefined ? await cutOff(o) : undefined
  return {
    count: addUp([heard, unheard].flatMap((finding) => finding?.count ?? [])),
    did: heard.did,
    measured: unheard?.measured ?? `no half-open connections: ${why ?? ''}`,
    broken: [...heard.broken, ...(unheard?.broken ?? [])],
  }
}

/** They say that they are gone: by FIN, by RST, or the kernel does it for them. */
async function cutShort({ isShort }: RunOptions): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  const served = await stage.start()
  const times = isShort ? 30 : 600
  let number = 0
  const letter = (): Letter =>
    stage.ledger.write({ from: 'a@contoso.example', to: [`r${number++}@fabrikam.example`], bytes: 20_000 })
  // Cut anywhere, the last byte of the final dot not sent.
  for (let n = 0; n < times; n++) await vanish(stage, letter(), Math.random(), ways[n % ways.length] ?? 'close')
  const killed = isShort ? 10 : 200
  for (let n = 0; n < killed; n += 10) await kill(stage, Array.from({ length: 10 }, letter))
  // They came into the middle of others, who must not have noticed.
  for (let n = 0; n < 10; n++) {
    const whole = stage.ledger.write({ from: 'a@contoso.example', to: [`whole${n}@fabrikam.example`] })
    const { reply } = await stage.sender().send(whole)
    checks.must(reply.startsWith('250'), `a whole message was told ${JSON.stringify(reply)}`)
  }
  const open = await connectionsLeft(async () => (await served.metrics()).get('causeway_connections') ?? 0, 10)
  checks.must(open <= 10, `${open} connections are still open`)
  checks.must(!served.hasEnded, 'the program has ended')
  await stage.drain()
  const count = await stage.count()
  const parts = stage.ledger.order.filter(({ recipient }) => recipient.startsWith('r')).length
  checks.must(parts === 0, `${parts} messages arrived that were never finished`)
  return {
    count,
    did: `${times} messages cut short by ${ways.join(', ')}, ${killed} by kill -9`,
    broken: [...brokenCounts(count), ...checks.broken],
  }
}

async function vanish({ port, ledger }: Stage, letter: Letter, where: number, way: Leaving): Promise<void> {
  const client = new Client(port)
  await client.reply('greeting')
  for (const line of beforeContent(letter)) await client.ask(line.trimEnd())
  client.send(beginning(letter, where))
  ledger.cut(letter)
  await sleep(where < 0.5 ? 0 : 5)
  if (way === 'half-close') client.halfClose()
  if (way === 'reset') client.reset()
  else client.destroy()
  await sleep(1)
  client.destroy()
}

/** A process with many connections, each somewhere else in its message, is gone from one moment to the next. */
async function kill(stage: Stage, letters: readonly Letter[]): Promise<void> {
  const talks = letters.map((letter) => [...beforeContent(letter), beginning(letter, Math.random()).toString('latin1')])
  const file = join(stage.dir, 'vanishing.json')
  writeFileSync(file, JSON.stringify({ host: '127.0.0.1', port: stage.port, talks } satisfies Vanishing))
  const program = fileURLToPath(new URL('vanishing.ts', import.meta.url))
  const clients = spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  stage.defer(() => clients.kill('SIGKILL'))
  await once(clients.stdout, 'data')
  const ended = once(clients, 'exit')
  clients.kill('SIGKILL')
  await ended
  for (const letter of letters) stage.ledger.cut(letter)
}

const beforeContent = ({ from, to }: Letter): readonly string[] => [
  'EHLO sender.example\r\n',
  `MAIL FROM:<${from}>\r\n`,
  ...to.map((recipient) => `RCPT TO:<${recipient}>\r\n`),
  'DATA\r\n',
]

function beginning({ raw }: Letter, where: number): Buffer {
  const bytes = stuffed(raw).subarray(0, -1)
  return bytes.subarray(0, Math.floor(where * (bytes.length + 1)))
}

/** The wire between two networks is cut, and this side alone stays. In the long form it is waited for the end of each. */
async function cutOff({ isShort }: RunOptions): Promise<Finding> {
  using wire = openWire('100mbit')
  return await playInside(wire, 'half-open.ts', [wire.near, wire.there, isShort ? 'short' : 'long'])
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
