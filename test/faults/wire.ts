/** Two networks with one wire between them, which carries only so much. */
import { randomInt } from 'node:crypto'
import { runTool } from '../support/program.ts'
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
