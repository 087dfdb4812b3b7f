/** Load generator and next hop are processes of their own; this is how the benchmark talks to them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Core, endChild, onCore } from './processes.ts'

/** What one asks and the other answers, by the name of the question. */
export type Questions = { readonly [name: string]: { readonly asks: unknown; readonly answers: unknown } }

export type Child<Q extends Questions> = {
  readonly pid: number
  ask<N extends keyof Q & string>(name: N, asks: Q[N]['asks']): Promise<Q[N]['answers']>
  readonly end: () => Promise<void>
}

type Asked = { readonly id: number; readonly name: string; readonly asks: unknown }
type Answered = { readonly id: number; readonly answers?: unknown; readonly trouble?: string }

/** Starts `bench/<file>`, which answers by `answerParent`. */
export async function startChild<Q extends Questions>(file: string, core: Core): Promise<Child<Q>> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const [program, args] = onCore(core, [process.execPath, path])
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  child.on('message', (message: Answered) => {
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.trouble === undefined) asked?.resolve(message.answers)
    else asked?.reject(new Error(`${file}: ${message.trouble}`))
  })
  child.on('exit', (code) => {
    for (const asked of waiting.values()) asked.reject(new Error(`${file} ended with ${code}`))
  })
  await once(child, 'spawn')
  let lastId = 0
  return {
    pid: child.pid ?? 0,
    async ask(name, asks) {
      const asked = Promise.withResolvers<unknown>()
      lastId += 1
      waiting.set(lastId, asked)
      child.send({ id: lastId, name, asks } satisfies Asked)
      return asked.promise
    },
    end: () => endChild(child, 2000),
  }
}

export type Answers<Q extends Questions> = {
  readonly [N in keyof Q]: (asks: Q[N]['asks']) => Promise<Q[N]['answers']> | Q[N]['answers']
}

/** The child's side. It ends when its parent is gone. */
export function answerParent<Q extends Questions>(answers: Answers<Q>): void {
  process.on('message', (message: Asked) => void answer(answers, message))
  process.on('disconnect', () => process.exit())
}

async function answer<Q extends Questions>(answers: Answers<Q>, { id, name, asks }: Asked): Promise<void> {
  try {
    process.send?.({ id, answers: await answers[name]?.(asks) } satisfies Answered)
  } catch (error) {
    process.send?.({ id, trouble: String(error) } satisfies Answered)
  }
}
