/**
 * The mailbox move beside mbsync and imapsync, in one run: the same mailboxes from one Dovecot to another, on this machine, at no
 * distance and with a delay each way. A comparer that is not ours looks at what arrived.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareMailboxes, type Judged } from '../test/support/compare-mailboxes.ts'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { makeMailbox } from '../test/support/mail-corpus.ts'
import { type Delay, startDelay } from './delay.ts'
import { median } from './figures.ts'
import type { Pair } from './move-copier.ts'
import { causeway, imapsync, mbsync, type Peer, settle, type Taken, type Task } from './move-peers.ts'
import { cells, type MoveCell, type Pass, password } from './move-work.ts'
import { makeEndings } from './processes.ts'
import { aligned } from './report.ts'

const usage = `npm run bench:move -- [options]     The mailbox move beside mbsync (and imapsync: IMAPSYNC=/path/to/imapsync)
  --quick            one round, small mailboxes: to see that everything works
  --rounds N         how often each is measured; the table shows medians (3)
  --delay MS         each way, where the servers are far away (25)
  --only WORD        cells whose name has this word
  --peers A,B        some of causeway, mbsync, imapsync
`

type Sizes = { readonly one: number; readonly small: number; readonly many: number; readonly each: number }
type Row = Taken & { readonly cell: MoveCell; readonly pass: Pass; readonly peer: string; readonly messages: number }
type Stage = {
  readonly source: Dovecot
  readonly target: Dovecot
  readonly far: readonly [source: Delay, target: Delay]
  readonly dir: string
  readonly mailboxes: Readonly<
    Record<MoveCell['mailboxes'], readonly { readonly user: string; readonly messages: number }[]>
  >
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const endings = makeEndings()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void endings.all().then(() => process.exit(130)))

const names = (letter: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${letter}${i}`)
const near: Pick<MoveCell, 'isFar' | 'workers' | 'connections'> = { isFar: false, workers: 1, connections: 1 }
let targets = 0
let tasks = 0
const rate = (row: Row): string => (row.messages === 0 ? '' : `${((row.messages / row.ms) * 1000).toFixed(0)} msg/s`)
const lineOf = (row: Row): string =>
  [row.cell.name, row.pass, row.peer, `${(row.ms / 1000).toFixed(2)} s`, rate(row), row.trouble].join('  ')

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(
    `bench:move: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n\n${usage}`,
  )
  process.exitCode = 2
} finally {
  await endings.all()
}

async function main(): Promise<number> {
  const { values: o } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      delay: { type: 'string', default: '25' },
      only: { type: 'string', default: '' },
      peers: { type: 'string', default: 'causeway,mbsync,imapsync' },
    },
  })
  const rounds = Number(o.rounds ?? (o.quick ? 1 : 3))
  const sizes: Sizes = o.quick
    ? { one: 300, small: 100, many: 4, each: 100 }
    : { one: 2000, small: 500, many: 20, each: 500 }
  const chosen = cells.filter((cell) => cell.name.includes(o.only))
  const stage = await setStage(sizes, Number(o.delay), chosen)
  const peers = await makePeers(o.peers.split(','))
  await warm(peers, stage)
  const rows: Row[] = []
  const judged: string[] = []
  for (let round = 0; round < rounds; round += 1)
    for (const cell of chosen)
      for (const peer of peers) {
        const done = await measure(stage, cell, peer)
        rows.push(...done.rows)
        if (round === 0) judged.push(...done.judged)
        for (const row of done.rows) say(lineOf(row))
      }
  say(`\n${tableOf(rows)}\n\nWhat arrived, by a comparer that is not ours (first round):\n${judged.join('\n')}`)
  return rows.some((row) => row.peer === 'Causeway' && row.trouble !== '') ? 1 : 0
}

async function setStage(sizes: Sizes, delayMs: number, chosen: readonly MoveCell[]): Promise<Stage> {
  const dir = mkdtempSync('/var/tmp/causeway-move-')
  chmodSync(dir, 0o755)
  endings.add(() => rmSync(dir, { recursive: true, force: true }))
  const users = Object.fromEntries(
    [...names('s', sizes.many + 2), ...names('t', 2000)].map((name) => [name, password] as const),
  )
  const source = await startDovecot({ dir: join(dir, 'source'), users })
  endings.add(source.stop)
  const target = await startDovecot({ dir: join(dir, 'target'), users })
  endings.add(target.stop)
  const far = [await startDelay(source.port, delayMs), await startDelay(target.port, delayMs)] as const
  for (const delay of far) endings.add(delay.end)
  const made = (user: string, messages: number, seed: number) => ({
    user,
    messages: makeMailbox({ maildir: source.maildir(user), messages, seed, odd: false }).messages,
  })
  const wanted = (what: MoveCell['mailboxes']): boolean => chosen.some((cell) => cell.mailboxes === what)
  const mailboxes = {
    one: wanted('one') ? [made('s0', sizes.one, 1)] : [],
    small: [made('s1', sizes.small, 2)],
    many: wanted('many')
      ? names('s', sizes.many + 2)
          .slice(2)
          .map((name, i) => made(name, sizes.each, i + 3))
      : [],
  }
  return { source, target, far, dir, mailboxes }
}

async function makePeers(wanted: readonly string[]): Promise<readonly Peer[]> {
  const makers: Readonly<Record<string, () => Promise<Peer> | Peer | undefined>> = {
    causeway,
    mbsync: () => mbsync,
    imapsync,
  }
  const peers: Peer[] = []
  for (const name of wanted) {
    const make = makers[name]
    if (make === undefined) throw new Error(`--peers: ${name} is none of ${Object.keys(makers).join(', ')}`)
    const peer = await make()
    if (peer === undefined) say(`${name} is not measured: ${name.toUpperCase()} does not name the program`)
    else peers.push(peer)
  }
  for (const peer of peers) endings.add(peer.end)
  return peers
}

/** Ours lives in a service that has run for days; everybody reads the source once, so that it is in memory for all. */
async function warm(peers: readonly Peer[], stage: Stage): Promise<void> {
  for (const { user } of [...stage.mailboxes.one, ...stage.mailboxes.many])
    spawnSync('sh', ['-c', `cat "$1"/cur/* "$1"/.*/cur/* >/dev/null`, 'sh', stage.source.maildir(user)])
  for (const peer of peers) await peer.copy(taskOf(stage, near, stage.mailboxes.small, 'warm', peer.name))
}

/** Each task has target mailboxes of its own, which are empty. */
function taskOf(
  stage: Stage,
  cell: Pick<MoveCell, 'isFar' | 'workers' | 'connections'>,
  from: readonly { readonly user: string }[],
  what: string,
  peer: string,
): Task {
  tasks += 1
  const pairs = from.map(({ user }): Pair => {
    targets += 1
    return { source: user, target: `t${targets - 1}` }
  })
  return {
    sourcePort: cell.isFar ? stage.far[0].port : stage.source.port,
    targetPort: cell.isFar ? stage.far[1].port : stage.target.port,
    pairs,
    workers: cell.workers,
    connections: cell.connections,
    state: join(stage.dir, `state-${tasks}-${peer}-${what}`),
  }
}

async function measure(
  stage: Stage,
  cell: MoveCell,
  peer: Peer,
): Promise<{ rows: readonly Row[]; judged: readonly string[] }> {
  const from = stage.mailboxes[cell.mailboxes]
  const task = taskOf(stage, cell, from, 'run', peer.name)
  const messages = from.reduce((sum, mailbox) => sum + mailbox.messages, 0)
  const rows: Row[] = []
  for (const pass of cell.passes) {
    if (pass === 'changed') change(stage, from)
    await settle()
    rows.push({ ...(await peer.copy(task)), cell, pass, peer: peer.name, messages: pass === 'first' ? messages : 0 })
  }
  const judged = await judge(stage, task)
  put(stage, task)
  return { rows, judged: judged.map((said) => `${cell.name}, ${peer.name}: ${said}`) }
}

/** One message in a hundred is new, and one in a hundred has another flag. */
function change(stage: Stage, from: readonly { readonly user: string; readonly messages: number }[]): void {
  for (const { user, messages } of from) {
    const few = Math.ceil(messages / 100)
    stage.source.doveadm('flags', 'add', '-u', user, '\\Flagged', 'mailbox', 'INBOX', '1:'.concat(String(few)))
    for (let i = 0; i < few; i += 1)
      spawnSync('doveadm', ['-c', join(stage.dir, 'source', 'dovecot.conf'), 'save', '-u', user, '-m', 'INBOX'], {
        input: `From: <new@partner.example>\r\nMessage-ID: <${Date.now()}.${i}@new.example>\r\nSubject: new\r\n\r\nnew\r\n`,
      })
  }
}

async function judge(stage: Stage, task: Task): Promise<readonly string[]> {
  const people = task.pairs.map(({ source, target }) => ({
    source: { user: source, password },
    target: { user: target, password },
  }))
  const answers = await compareMailboxes({ source: stage.source, target: stage.target, people })
  const differing = answers.filter((answer) => answer.differences.length > 0)
  if (differing.length === 0) return [`${answers.reduce((sum, a) => sum + a.messages, 0)} messages, all equal`]
  return differing.slice(0, 2).map((answer: Judged) => JSON.stringify(answer.differences).slice(0, 300))
}

/** Moved, not deleted: ext4 looks at each inode deleted in the last seconds, which would slow whoever comes next. */
function put(stage: Stage, task: Task): void {
  for (const { target } of task.pairs)
    renameSync(join(stage.target.maildir(target), '..'), join(stage.dir, `done-${target}`))
}

function tableOf(rows: readonly Row[]): string {
  const head = ['work', 'pass', 'who', 'seconds', 'msg/s', 'times mbsync', 'must', 'CPU s', 'peak MB']
  const groups = Map.groupBy(rows, (row) => `${row.cell.name}\n${row.pass}`)
  const lines = [...groups.values()].flatMap((group) => {
    const peers = [...Map.groupBy(group, (row) => row.peer).values()]
    const mark = peers.find(([first]) => first?.peer === 'mbsync')
    const base = mark === undefined ? undefined : median(mark.map((row) => row.ms))
    return peers.map((own) => line(own, base))
  })
  return aligned([head, ...lines])
}

function line(own: readonly Row[], base: number | undefined): readonly string[] {
  const [first] = own
  if (first === undefined) return []
  const ms = median(own.map((row) => row.ms))
  const must = first.peer === 'Causeway' ? first.cell.must[first.pass] : undefined
  return [
    first.cell.name,
    first.pass,
    first.peer,
    (ms / 1000).toFixed(2),
    first.messages === 0 ? '' : ((first.messages / ms) * 1000).toFixed(0),
    base === undefined ? '' : (base / ms).toFixed(2),
    must === undefined ? '' : `${must}`,
    median(own.map((row) => row.cpuS)).toFixed(2),
    Math.max(...own.map((row) => row.peakMegabytes)).toFixed(0),
  ]
}
