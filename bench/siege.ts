/**
 * Causeway under siege (docs/limits.md): thousands of idle connections, every form of slow client, then all places taken; and
 * in the middle of it two good senders, one from a tenant's address and one from the internet, whose mail must come through.
 *
 * Prints memory and what the good senders felt. Exit code 1: mail was lost, or a target was missed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Child, startChild } from './child.ts'
import { startGateway } from './gateway.ts'
import { makeKeys, pem } from './keys.ts'
import { innerDomain, outerDomain } from './letter.ts'
import { startNameServer } from './name-server.ts'
import { type Core, makeEndings } from './processes.ts'
import type { CrowdQuestions } from './siege-crowd.ts'
import type { Sender, SenderQuestions, Served } from './siege-sender.ts'
import type { SinkQuestions } from './sink.ts'
import { cpuSeconds } from './usage.ts'

const usage = `npm run bench:siege -- [options]       Causeway under siege, on this machine
  --idle N           idle connections (10000); needs twice as many file descriptors: ulimit -n
  --each N           slow clients of each form (50)
  --seconds N        length of one measurement (15)
`

/** What must hold while the siege lasts. */
const most = { residentMegabytes: 400, p95Ms: 1000, greetedP95Ms: 500, dotRatio: 3 }

type Stage = {
  readonly port: number
  readonly pid: number
  readonly run: string
  readonly seconds: number
  readonly crowd: Child<CrowdQuestions>
  readonly senders: readonly [Child<SenderQuestions>, Child<SenderQuestions>]
}

type Row = {
  readonly phase: string
  readonly residentMegabytes: number
  readonly tenant: Served
  readonly internet: Served
}

/** How many measurements there were. */
let phases = 0

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const endings = makeEndings()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void endings.all().then(() => process.exit(130)))

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`siege: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exitCode = 2
} finally {
  await endings.all()
}

async function main(): Promise<number> {
  const { idle, each, seconds } = options()
  const dir = mkdtempSync('/var/tmp/causeway-siege-')
  endings.add(() => rmSync(dir, { recursive: true, force: true }))
  const [serverCore, loadCore]: readonly Core[] = availableParallelism() > 1 ? [0, 1] : []
  const keys = await makeKeys(dir)
  const sink = await startChild<SinkQuestions>('sink.ts', loadCore)
  endings.add(sink.end)
  const { port: sinkPort } = await sink.ask('listen', { identity: { cert: pem(keys.cert), key: pem(keys.key) } })
  const names = await startNameServer()
  endings.add(names.end)
  const peer = { dir: join(dir, 'gateway'), sinkPort, isTls: true, keys, core: serverCore }
  const gateway = await startGateway({ ...peer, profileDir: undefined, dns: names.place })
  endings.add(gateway.end)
  const start = async <T extends CrowdQuestions | SenderQuestions>(file: string) => {
    const child = await startChild<T>(file, loadCore)
    endings.add(child.end)
    return child
  }
  const senders = [
    await start<SenderQuestions>('siege-sender.ts'),
    await start<SenderQuestions>('siege-sender.ts'),
  ] as const
  const crowd = await start<CrowdQuestions>('siege-crowd.ts')
  const run = `siege${process.pid}`
  await sink.ask('begin', { run, keep: 0 })
  const stage: Stage = { port: gateway.port, pid: gateway.roots[0] ?? 0, run, seconds, crowd, senders }
  return report(await besiege(stage, idle, each), await dots(stage), sink)
}

function options(): { readonly idle: number; readonly each: number; readonly seconds: number } {
  const { values } = parseArgs({
    options: { idle: { type: 'string' }, each: { type: 'string' }, seconds: { type: 'string' } },
  })
  const number = (text: string | undefined, otherwise: number): number => {
    const value = Number(text ?? otherwise)
    if (Number.isInteger(value) && value > 0) return value
    throw new Error(`${text} is no number`)
  }
  return { idle: number(values.idle, 10_000), each: number(values.each, 50), seconds: number(values.seconds, 15) }
}

async function besiege(stage: Stage, idle: number, each: number): Promise<readonly Row[]> {
  await measured(stage, 'warm-up')
  const rows = [await measured(stage, 'peace')]
  const { port, crowd } = stage
  const first = await crowd.ask('idle', { port, count: idle, perSource: 250 })
  say(`${first.open} idle connections after ${first.seconds.toFixed(1)} s, ${first.turnedAway} turned away`)
  rows.push(await measured(stage, `${first.open} idle`))
  await crowd.ask('slow', { port, each })
  await sleep(2000)
  rows.push(await measured(stage, `and ${each} slow ones of each form`))
  const more = await crowd.ask('idle', { port, count: idle, perSource: 250 })
  say(`${more.open} idle connections after ${more.seconds.toFixed(1)} s more, ${more.turnedAway} turned away`)
  rows.push(await measured(stage, 'all places of the internet taken'))
  const told = await crowd.ask('told', undefined)
  for (const [form, words] of Object.entries(told)) say(`  ${form}: ${JSON.stringify(words)}`)
  await crowd.ask('leave', undefined)
  await sleep(1000)
  rows.push(await measured(stage, 'peace again'))
  return rows
}

async function measured({ port, pid, run, seconds, senders }: Stage, phase: string): Promise<Row> {
  phases += 1
  const base = { port, run, seconds, line: 'All is well here.', bodyBytes: 3000 }
  const inner = `u1@${innerDomain}`
  const tenant: Sender = {
    ...base,
    localAddress: '127.0.0.1',
    mailFrom: inner,
    rcptTo: 'partner@ext.example',
    firstNumber: phases * 100_000,
  }
  const internet: Sender = {
    ...base,
    localAddress: '127.3.0.1',
    mailFrom: 'partner@ext.example',
    rcptTo: `u1@${outerDomain}`,
    firstNumber: phases * 100_000 + 50_000,
  }
  const [ofTenant, ofInternet] = await Promise.all([senders[0].ask('send', tenant), senders[1].ask('send', internet)])
  return { phase, residentMegabytes: resident(pid), tenant: ofTenant, internet: ofInternet }
}

/** The work that 4 MB make as lines of dots, beside lines of text: milliseconds of a processor for each message. */
async function dots({
  port,
  pid,
  run,
  seconds,
  senders,
}: Stage): Promise<{ readonly text: number; readonly dots: number }> {
  const who = { localAddress: '127.0.0.1', mailFrom: `u1@${innerDomain}`, rcptTo: 'partner@ext.example' }
  const base = { port, run, seconds: seconds / 3, ...who, bodyBytes: 4_000_000 }
  let number = 9_000_000
  const cost = async (line: string): Promise<number> => {
    number += 10_000
    const before = cpuSeconds([pid])
    const { accepted } = await senders[0].ask('send', { ...base, line, firstNumber: number })
    return ((cpuSeconds([pid]) - before) * 1000) / Math.max(1, accepted)
  }
  await cost('..') // loops that nobody has needed until now are compiled
  const found: { text: number; dots: number }[] = []
  for (let round = 0; round < 3; round++) found.push({ text: await cost('a'.repeat(70)), dots: await cost('..') })
  return { text: Math.min(...found.map((f) => f.text)), dots: Math.min(...found.map((f) => f.dots)) }
}

function resident(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}

async function report(
  rows: readonly Row[],
  work: Awaited<ReturnType<typeof dots>>,
  sink: Child<SinkQuestions>,
): Promise<number> {
  const ms = (value: number): string => value.toFixed(0).padStart(6)
  say(
    '\nms                                      RSS MB |  tenant: n  greeted p95    p50    p95    max | internet: n  greeted p95    p50    p95    max',
  )
  for (const { phase, residentMegabytes, tenant, internet } of rows) {
    const of = (s: Served) =>
      `${ms(s.accepted)}       ${ms(s.greetedP95Ms)} ${ms(s.p50Ms)} ${ms(s.p95Ms)} ${ms(s.maxMs)}`
    say(`${phase.padEnd(38)} ${ms(residentMegabytes)} |     ${of(tenant)} |       ${of(internet)}`)
    for (const [who, { errors }] of Object.entries({ tenant, internet }))
      for (const [what, count] of Object.entries(errors)) say(`    ${who}: ${count} times ${what}`)
  }
  const dotRatio = work.dots / work.text
  say(
    `4 MB of text take ${work.text.toFixed(1)} ms of a processor, 4 MB of dot lines ${work.dots.toFixed(1)} ms: ${dotRatio.toFixed(2)} times as much`,
  )
  const lost = await lostOf(rows, sink)
  const bad = [...misses(rows), ...(dotRatio > most.dotRatio ? ['dot lines are too much work'] : []), ...lost]
  for (const what of bad) say(`MISSED: ${what}`)
  return bad.length === 0 ? 0 : 1
}

/** The last phase but one is the one in which the internet has no place: there only the tenant is promised anything. */
function misses(rows: readonly Row[]): string[] {
  return rows.flatMap(({ phase, residentMegabytes, tenant, internet }) => {
    const isFull = phase.startsWith('all places')
    const senders = Object.entries(isFull ? { tenant } : { tenant, internet })
    return [
      ...(residentMegabytes > most.residentMegabytes && !isFull
        ? [`${phase}: ${residentMegabytes.toFixed(0)} MB`]
        : []),
      ...senders
        .filter(([, s]) => s.p95Ms > most.p95Ms || s.accepted === 0)
        .map(([who]) => `${phase}: p95 of the ${who}`),
      ...senders
        .filter(([, s]) => s.greetedP95Ms > most.greetedP95Ms)
        .map(([who]) => `${phase}: the ${who} waits for the greeting`),
      ...senders.filter(([, s]) => Object.keys(s.errors).length > 0).map(([who]) => `${phase}: the ${who} was refused`),
    ]
  })
}

async function lostOf(rows: readonly Row[], sink: Child<SinkQuestions>): Promise<string[]> {
  const accepted = rows.reduce((sum, { tenant, internet }) => sum + tenant.accepted + internet.accepted, 0)
  await sleep(500)
  const { numbers } = await sink.ask('arrivals', undefined)
  const counted = new Set(numbers)
  const arrived = [...counted].filter((number) => number >= 200_000 && number < 9_000_000).length
  say(`${accepted} messages of the good senders accepted, ${arrived} arrived, ${numbers.length - counted.size} doubled`)
  return arrived === accepted && numbers.length === counted.size ? [] : ['mail was lost or doubled']
}
