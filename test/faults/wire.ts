/** Two networks with one wire between them, which carries only so much. */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { runTool } from '../support/program.ts'
import type { Finding } from './fault.ts'
import { must } from './machine.ts'
import { undoAtExit } from './undo.ts'

export type Wire = Disposable & {
  /** Names of the networks. */
  readonly here: string
  readonly there: string
  /** The addresses of its ends. */
  readonly near: string
  readonly far: string
}

/** `rate` as tc(8) writes it. */
export function openWire(rate: string): Wire {
  const n = randomInt(1, 250)
  const [here, there] = [`causeway-${process.pid}-a`, `causeway-${process.pid}-b`]
  const [near, far] = [`10.99.${n}.1`, `10.99.${n}.2`]
  const remove = (): void => {
    for (const network of [here, there]) runTool(['ip', 'netns', 'del', network])
  }
  const done = undoAtExit(remove)
  for (const network of [here, there]) {
    must('ip', 'netns', 'add', network)
    must('ip', '-n', network, 'link', 'set', 'lo', 'up')
  }
  must('ip', 'link', 'add', 'wa', 'netns', here, 'type', 'veth', 'peer', 'name', 'wb', 'netns', there)
  must('ip', '-n', here, 'addr', 'add', `${near}/24`, 'dev', 'wa')
  must('ip', '-n', there, 'addr', 'add', `${far}/24`, 'dev', 'wb')
  must('ip', '-n', here, 'link', 'set', 'wa', 'up')
  must('ip', '-n', there, 'link', 'set', 'wb', 'up')
  must(
    'ip',
    'netns',
    'exec',
    here,
    'tc',
    'qdisc',
    'add',
    'dev',
    'wa',
    'root',
    'tbf',
    'rate',
    rate,
    'burst',
    '32kbit',
    'latency',
    '400ms',
  )
  return {
    here,
    there,
    near,
    far,
    [Symbol.dispose]() {
      remove()
      done()
    },
  }
}

/**
 * Runs a file of this folder in the network on this side of the wire; it prints its finding. The guard of the tests knows
 * loopback only; from inside there is no way out anyway.
 */
export async function playInside(wire: Wire, file: string, words: readonly string[]): Promise<Finding> {
  const program = fileURLToPath(new URL(file, import.meta.url))
  const command = ['setpriv', '--pdeathsig', 'KILL', process.execPath, program, ...words]
  const child = spawn('ip', ['netns', 'exec', wire.here, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`inside the network it ended with ${String(code)}: ${out}`)
  return JSON.parse(out) as Finding
}
