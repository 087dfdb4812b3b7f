import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryServer } from '../in-memory/in-memory.ts'
import { type Connect, type Mailbox, MailboxTrouble } from '../mailbox/mailbox.ts'
import { csvOf, eventually, fill, letter, setStage } from './for-tests.ts'

/** A mailbox in memory that can be listened to. */
function listening(server: MemoryServer, ears: (() => void)[]): Connect {
  return async (signal) => {
    const within = await server.connect(signal)
    const idle: Mailbox['idle'] = (_, ended) =>
      new Promise((resolve, reject) => {
        ears.push(resolve)
        ended.addEventListener('abort', () => reject(new MailboxTrouble('stopped', 'stopped')), { once: true })
      })
    return new Proxy(within, {
      get(target, name) {
        if (name === 'idle') return idle
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

test('near real time: what happens at the source makes the next pass due', async () => {
  const source = new MemoryServer()
  const target = new MemoryServer()
  const ears: (() => void)[] = []
  await using stage = await setStage({
    open: ({ endpoint, signal }) =>
      endpoint.host === 'old.example' ? listening(source, ears)(signal) : target.connect(signal),
  })
  source.put(source.folder('INBOX'), letter(1))
  stage.create('one', csvOf('a'), { intervalMinutes: 0 })
  stage.desk().start('one', 'ann', undefined)
  await eventually(() => ears.length === 1, 'somebody listens')
  source.put(source.folder('INBOX'), letter(2))
  ears[0]?.()
  await eventually(() => target.folder('INBOX').messages.length === 2, 'the new message')
  await eventually(() => ears.length === 2, 'somebody listens again')
  await stage.desk().pause('one', 'ann', undefined)
})

test('without IDLE a pass comes each minute', async () => {
  await using stage = await setStage()
  fill(stage, 'a', 1)
  stage.create('one', csvOf('a'), { intervalMinutes: 0 })
  stage.desk().start('one', 'ann', undefined)
  const next = await eventually(() => stage.desk().user('one', 'a@n.example')?.user.nextAt, 'a next pass')
  await eventually(() => stage.desk().show('one')?.status === 'Synced', 'Synced')
  const { nextAt = 0 } = stage.desk().user('one', 'a@n.example')?.user ?? {}
  assert.ok(next > 0 && nextAt - Date.now() > 50_000 && nextAt - Date.now() <= 60_000)
})

test('what comes when the pass is over and nobody listens yet is not left until the clock says so', async () => {
  const [source, target] = [new MemoryServer(), new MemoryServer()]
  const ears: (() => void)[] = []
  let connections = 0
  await using stage = await setStage({
    open: async ({ endpoint, signal }) => {
      if (endpoint.host !== 'old.example') return target.connect(signal)
      connections += 1
      // The second is the listener's.
      if (connections === 2) source.put(source.folder('INBOX'), letter(2))
      return listening(source, ears)(signal)
    },
  })
  source.put(source.folder('INBOX'), letter(1))
  stage.create('one', csvOf('a'), { intervalMinutes: 0 })
  stage.desk().start('one', 'ann', undefined)
  await eventually(() => ears.length === 1, 'somebody listens')
  const wait = (): number => (stage.desk().user('one', 'a@n.example')?.user.nextAt ?? 0) - Date.now()
  assert.ok(wait() <= 60_000, `the next pass is in ${wait()} ms`)
  // And sooner when more happens.
  ears[0]?.()
  await eventually(() => target.folder('INBOX').messages.length === 2, 'the message')
})
