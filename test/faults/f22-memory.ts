/** F22: there is less memory than all senders together would like to fill. They are told to come back; nobody dies of it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runTool } from '../support/program.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { needsRoot } from './machine.ts'
import { setStage } from './stage.ts'
import { undoAtExit } from './undo.ts'

const root = '/sys/fs/cgroup/memory'
const limitMegabytes = 400

export const f22: Fault = {
  id: 'F22',
  title: 'memory cap',
  isLong: true,
  cannot: () => needsRoot('a memory cap') ?? canCap(),
  run,
}

function canCap(): string | undefined {
  try {
    readFileSync(join(root, 'memory.limit_in_bytes'))
    return undefined
  } catch {
    return 'not here: no memory controller of cgroup v1'
  }
}

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  const group = join(root, `causeway-${process.pid}`)
  mkdirSync(group)
  const done = undoAtExit(() => removeGroup(group))
  writeFileSync(join(group, 'memory.limit_in_bytes'), `${limitMegabytes}M`)
  const enter = ['sh', '-c', `echo $$ >${group}/cgroup.procs; exec "$@"`, 'sh']
  try {
    await stage.start({ wrap: enter })
    const line = 'all work and no play makes a message of many lines and of one size\r\n'
    const body = Buffer.alloc(Math.floor((25 * 1024 * 1024) / line.length) * line.length, line)
    const senders = isShort ? 20 : 200
    let deaths = 0
    const watch = setInterval(() => {
      if (stage.served.hasEnded) deaths = 1
    }, 100)
    await Promise.all(
      Array.from({ length: senders }, async (_, n) => {
        await sleep(n * 10)
        const letter = stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@fabrikam.example`], body })
        const told = await stage.sender({ patienceMs: 300_000 }).send(letter)
        answers.set(told.reply.slice(0, 9), (answers.get(told.reply.slice(0, 9)) ?? 0) + 1)
      }),
    )
    await sleep(1000) // its connections end before it does
    clearInterval(watch)
    say([...answers].map(([words, times]) => `${times} x ${words === '' ? 'cut' : words}`).join(', '))
    checks.must(deaths === 0, 'the program was killed for its memory')
    checks.must(
      [...answers.keys()].every((words) => /^(250|452 4\.3\.1)/.test(words)),
      'somebody heard something else than 250 or 452 4.3.1',
    )
    checks.must(
      [...answers.keys()].some((words) => words.startsWith('250')),
      'nobody was taken',
    )
    checks.must(isShort || answers.has('452 4.3.1'), 'nobody was told to come back')
    if (stage.served.hasEnded) await stage.start({ wrap: enter })
    await stage.drain({ withinMs: 120_000 })
    const count = await stage.count()
    const peak = Number(readFileSync(join(group, 'memory.max_usage_in_bytes'), 'utf8')) / 1024 / 1024
    return {
      count,
      did: `${senders} x 25 MB with ${limitMegabytes} MB`,
      measured: `peak ${peak.toFixed(0)} MB`,
      broken: [...brokenCounts(count), ...checks.broken],
    }
  } finally {
    await stage.served.kill()
    removeGroup(group)
    done()
  }
}

const answers = new Map<string, number>()

/** A process that has ended leaves its group a moment later. */
function removeGroup(group: string): void {
  runTool(['sh', '-c', `for n in 1 2 3 4 5 6 7 8 9; do rmdir ${group} && exit; sleep 0.2; done`])
}
