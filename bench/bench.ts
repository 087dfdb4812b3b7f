/**
 * How fast Causeway is beside Postfix + OpenDKIM: same machine, same work, same run (docs/speed.md).
 *
 * Promises: the two take turns; every accepted message is counted at the next hop; whatever was started is ended, on
 *   Ctrl-C and on errors too.
 * Never: leaves loopback; judges speed. The exit code is 1 when mail was lost, doubled or wrong, not when it was slow.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { type Child, startChild } from './child.ts'
import { startGateway } from './gateway.ts'
import type { GeneratorQuestions } from './generator.ts'
import { type Keys, makeKeys, pem } from './keys.ts'
import { type Bench, type Figures, measure, warmUp } from './measure.ts'
import { type Options, readOptions, usage } from './options.ts'
import type { Peer, PeerOptions } from './peer.ts'
import { postfixIsMissing, startPostfix } from './postfix.ts'
import { type Core, type Endings, makeEndings } from './processes.ts'
import { profileText, readProfiles } from './profile.ts'
import { losses, summaryLine, table, troubles } from './report.ts'
import { checkSamples, verifierIsMissing } from './samples.ts'
import type { SinkQuestions } from './sink.ts'
import { type Cell, cellName } from './work.ts'

const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** Everything that a run knows. */
type Plan = Options & {
  /** On a real disk: Postfix syncs its queue, and /tmp may be memory. */
  readonly dir: string
  readonly keys: Keys
  readonly withPostfix: boolean
  readonly verifies: boolean
  readonly peerCore: Core
  readonly loadCore: Core
  readonly endings: Endings
}

type Found = { readonly figures: Figures[]; readonly wrong: string[] }

const options = readOptions(process.argv.slice(2))
if ('wrong' in options) {
  process.stderr.write(`bench: ${options.wrong}\n\n${usage}`)
  process.exitCode = 2
} else await main(options)

async function main(chosen: Options): Promise<void> {
  const endings = makeEndings()
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    process.once(signal, () => void endings.all().then(() => process.exit(code)))
  try {
    const found = await measureAll(await prepare(chosen, endings))
    process.exitCode = report(chosen, found)
  } catch (error) {
    say(`bench: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  } finally {
    await endings.all()
  }
}

async function prepare(chosen: Options, endings: Endings): Promise<Plan> {
  const dir = mkdtempSync('/var/tmp/causeway-bench-')
  chmodSync(dir, 0o755) // Postfix and OpenDKIM run as users of their own
  endings.add(() => rmSync(dir, { recursive: true, force: true }))
  const missing = chosen.isAlone ? 'asked for' : await postfixIsMissing()
  if (missing !== undefined) say(`Causeway alone: ${missing}`)
  const unverified = await verifierIsMissing()
  if (unverified !== undefined) say(unverified)
  const isSplit = (chosen.cores ?? 'split') === 'split' && availableParallelism() > 1
  say(
    `${cpus()[0]?.model}, ${availableParallelism()} cores, ${isSplit ? 'one for the server, one for load and next hop' : 'shared'}; Node ${process.version}`,
  )
  return {
    ...chosen,
    dir,
    keys: await makeKeys(dir),
    withPostfix: missing === undefined,
    verifies: unverified === undefined,
    peerCore: isSplit ? 0 : undefined,
    loadCore: isSplit ? 1 : undefined,
    endings,
  }
}

async function measureAll(plan: Plan): Promise<Found> {
  const found: Found = { figures: [], wrong: [] }
  const generator = await startChild<GeneratorQuestions>('generator.ts', plan.loadCore)
  plan.endings.add(generator.end)
  for (const isTls of [false, true]) {
    const cells = plan.cells.filter((cell) => cell.isTls === isTls)
    if (cells.length > 0) await measureSide(plan, generator, isTls, cells, found)
  }
  return found
}

/** All cells without TLS, or all with it: the servers run through, so that what is warm stays warm. */
async function measureSide(
  plan: Plan,
  generator: Child<GeneratorQuestions>,
  isTls: boolean,
  cells: readonly Cell[],
  found: Found,
): Promise<void> {
  const endings = makeEndings()
  plan.endings.add(endings.all)
  const { keys } = plan
  const sink = await startChild<SinkQuestions>('sink.ts', plan.loadCore)
  endings.add(sink.end)
  const { port } = await sink.ask('listen', isTls ? { identity: { cert: pem(keys.cert), key: pem(keys.key) } } : {})
  const bench: Bench = { generator, sink, ca: isTls ? pem(keys.ca) : undefined }
  const profileDir = plan.profileDir && resolve(plan.profileDir, isTls ? 'tls' : 'plain')
  const peers = await startPeers(plan, { sinkPort: port, isTls, profileDir }, endings)
  const gateway = peers[0]
  if (gateway !== undefined) await warmUp(bench, gateway, cells, plan.warmSeconds(isTls))
  for (let repetition = 0; repetition < plan.repetitions; repetition++)
    for (const cell of cells)
      for (const peer of repetition % 2 === 0 ? peers : peers.toReversed())
        await measureOne(plan, bench, peer, cell, repetition, found)
  await endings.all()
  if (profileDir !== undefined) showProfiles(profileDir, cells, found)
}

async function startPeers(
  plan: Plan,
  side: { readonly sinkPort: number; readonly isTls: boolean; readonly profileDir: string | undefined },
  endings: Endings,
): Promise<readonly Peer[]> {
  const { sinkPort, isTls, profileDir } = side
  const optionsFor = (name: string): PeerOptions => ({
    dir: join(plan.dir, `${name}-${isTls ? 'tls' : 'plain'}`),
    sinkPort,
    isTls,
    keys: plan.keys,
    core: plan.peerCore,
  })
  if (profileDir !== undefined) mkdirSync(profileDir, { recursive: true })
  const gateway = await startGateway({ ...optionsFor('causeway'), profileDir })
  endings.add(gateway.end)
  if (!plan.withPostfix) return [gateway]
  const postfix = await startPostfix(optionsFor('postfix'))
  endings.add(postfix.end)
  return [gateway, postfix]
}

async function measureOne(
  plan: Plan,
  bench: Bench,
  peer: Peer,
  cell: Cell,
  repetition: number,
  found: Found,
): Promise<void> {
  const { figures, samples } = await measure(bench, peer, cell, plan.seconds)
  found.figures.push(figures)
  say(
    `${repetition + 1}/${plan.repetitions}  ${figures.cell.padEnd(18)}  ${peer.name.padEnd(18)}  ${figures.perSecond.toFixed(0)} msg/s`,
  )
  if (!plan.verifies || repetition > 0) return
  const wrong = samples.length === 0 ? ['nothing arrived'] : await checkSamples(samples, plan.keys.dkimPublic)
  found.wrong.push(...wrong.map((what) => `${peer.name}, ${figures.cell}: ${what}`))
}

function showProfiles(dir: string, cells: readonly Cell[], { figures }: Found): void {
  for (const cell of cells) {
    const ours = figures.filter((f) => f.peer === 'Causeway' && f.cell === cellName(cell))
    const windows = ours.map((f) => f.window)
    console.log(`\nWhere the time goes: ${cellName(cell)}\n${profileText(readProfiles(dir, windows))}`)
    const drains = ours.flatMap(({ drain }) => (drain === undefined ? [] : [drain.window]))
    if (cell.isDown) console.log(`\nWhen the next hop is back:\n${profileText(readProfiles(dir, drains))}`)
  }
}

/** Prints what was found; the exit code. */
function report({ cells, jsonFile }: Options, { figures, wrong }: Found): number {
  const bad = [...losses(figures), ...wrong]
  console.log(`\n${table(cells, figures)}\n\n${summaryLine(figures)}`)
  for (const line of [...troubles(figures), ...bad]) console.log(line)
  if (jsonFile !== undefined)
    writeFileSync(jsonFile, `${JSON.stringify({ at: new Date(), figures, wrong }, null, 1)}\n`)
  return bad.length === 0 ? 0 : 1
}
