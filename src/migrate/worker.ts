/**
 * The thread of the mailbox move: batches, the engine, the connections and migrate.db. It has a heap of its own with a limit, so that
 * whatever a server sends, mail on the main thread goes on.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { failureOf } from '../store/store.ts'
import { type Desk, openBatches, type SecretAnswer, type Sent } from './batch/batch.ts'
import { compareMailboxes, copyPass, surveyMailbox } from './copy/copy.ts'
import { openImap } from './imap/imap.ts'
import type { FromThread, ThreadOptions, ToThread, Verb } from './messages.ts'

const { dir, isAfterDeath, keys: given }: ThreadOptions = workerData
const keys = new Map(given)
const progressMs = 1000

const secrets = new Map<number, (answer: SecretAnswer) => void>()
const letters = new Map<number, (answer: Sent) => void>()
let asked = 0

start()

function start(): void {
  const opened = openBatches({
    dir,
    isAfterDeath,
    engine: { open: openImap, copyPass, surveyMailbox, compareMailboxes },
    now: Date.now,
    batchKey: (id) => keys.get(id),
    forgetKey(keyId) {
      keys.delete(keyId)
      tell({ kind: 'keyForgotten', keyId })
    },
    secret: (name) =>
      new Promise((resolve) => {
        asked += 1
        secrets.set(asked, resolve)
        tell({ kind: 'secretWanted', number: asked, name })
      }),
    sendReport: (letter) =>
      new Promise((resolve) => {
        asked += 1
        letters.set(asked, resolve)
        tell({ kind: 'letter', number: asked, letter })
      }),
    onTrouble: (why) => tell({ kind: 'trouble', why }),
  })
  if (!opened.ok) {
    tell({ kind: 'notOpened', why: opened.why })
    parentPort?.close()
    return
  }
  const { desk } = opened
  tell({ kind: 'opened', keysInUse: desk.keysInUse() })
  const timer = setInterval(() => tellProgress(desk), progressMs)
  parentPort?.on('message', (message: ToThread) => hear(desk, message, timer))
}

/** Bytes cross as a Uint8Array, whose toString is another one. */
const asBuffer = (secret: SecretAnswer): SecretAnswer =>
  secret.kind === 'found' ? { kind: 'found', value: Buffer.from(secret.value) } : secret

/** Once more after the last one has ended, so that nobody is left with what was true a second before. */
let wasMoving = false

function tellProgress(desk: Desk): void {
  const batches = desk.moving()
  if (batches.length > 0 || wasMoving) tell({ kind: 'progress', batches })
  wasMoving = batches.length > 0
}

function hear(desk: Desk, message: ToThread, timer: NodeJS.Timeout): void {
  switch (message.kind) {
    case 'ask':
      // One that is refused is no batch's, and forgotten with the thread.
      if (message.key !== undefined) keys.set(...message.key)
      return void answer(desk, message.number, message.verb, message.with)
    case 'secret':
      secrets.get(message.number)?.(asBuffer(message.answer))
      return void secrets.delete(message.number)
    case 'sent':
      letters.get(message.number)?.(message.answer)
      return void letters.delete(message.number)
    case 'close':
      clearInterval(timer)
      return void desk.close().finally(() => parentPort?.close())
  }
}

async function answer(desk: Desk, number: number, verb: Verb, args: readonly unknown[]): Promise<void> {
  try {
    const work: (...given: readonly never[]) => unknown = desk[verb]
    tell({ kind: 'answered', number, value: await Reflect.apply(work, desk, [...args]) })
  } catch (error) {
    tell({ kind: 'failed', number, ...failureOf(error, dir) })
  }
}

function tell(message: FromThread<unknown>): void {
  parentPort?.postMessage(message, [])
}
