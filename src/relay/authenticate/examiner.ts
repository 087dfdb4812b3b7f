/** The thread that checks. It has no sockets: its questions to the DNS go to the mail path, which knows what time is left. */
import { parentPort } from 'node:worker_threads'
import { spend } from '../../mail/message/message.ts'
import { check } from './check.ts'
import type { FromThread, ToThread } from './messages.ts'
import type { Asked } from './questions.ts'
import type { Subject } from './subject.ts'

const waiting = new Map<number, (asked: Asked) => void>()
let questions = 0

function tell(said: FromThread): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  parentPort?.postMessage(said)
}

async function examine(number: number, subject: Subject): Promise<void> {
  const ask = (name: string, type: string): Promise<Asked> =>
    new Promise((resolve) => {
      const question = ++questions
      waiting.set(question, resolve)
      tell({ kind: 'ask', number, question, name, type })
    })
  try {
    tell({ kind: 'checked', number, authentication: await check(subject, ask) })
  } catch (error) {
    tell({ kind: 'broke', number, why: error instanceof Error ? error.message : String(error) })
  } finally {
    spend(subject.content)
  }
}

parentPort?.on('message', (told: ToThread) => {
  if (told.kind === 'check') {
    void examine(told.number, told.subject)
    return
  }
  waiting.get(told.question)?.(told.asked)
  waiting.delete(told.question)
})
