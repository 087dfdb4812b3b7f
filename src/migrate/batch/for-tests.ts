/** Batches over mailboxes in memory, for tests: the real engine, a file of its own, a vault that is a map. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareMailboxes, copyPass, surveyMailbox } from '../copy/copy.ts'
import { type MemoryOptions, MemoryServer } from '../in-memory/in-memory.ts'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Engine, Letter } from './ground.ts'
import { type Desk, openBatches } from './open.ts'
import type { Ordered } from './orders.ts'
import { batchKeyBytes } from './seal.ts'
import { settingsSchema } from './settings.ts'

export type Stage = AsyncDisposable & {
  readonly dir: string
  readonly desk: () => Desk
  readonly keys: Map<string, Uint8Array>
  readonly letters: Letter[]
  readonly troubles: string[]
  /** The mailbox of a user at old.example or new.example, as the server has it. */
  mailbox(place: string, options?: MemoryOptions): MemoryServer
  /** Passwords by user and server, where they are not `x`. */
  readonly passwords: Map<string, string>
  /** Log-ins as they were tried. */
  readonly tried: string[]
  create(name: string, csv: string, settings?: object): Ordered
  /** Moves the clock on; what is due by then is looked for within seconds. */
  pass(ms: number): void
  /** Ends the desk and opens it again on the same file. */
  restart(isAfterDeath?: boolean): Promise<void>
}

export async function setStage(over: Partial<Engine> = {}): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-batch-'))
  const keys = new Map<string, Uint8Array>()
  const letters: Letter[] = []
  const troubles: string[] = []
  const tried: string[] = []
  const clock = { ahead: 0 }
  const passwords = new Map<string, string>()
  const mailboxes = new Map<string, MemoryServer>()
  const mailbox = (place: string, options?: MemoryOptions): MemoryServer => {
    const found = mailboxes.get(place) ?? new MemoryServer(options)
    mailboxes.set(place, found)
    return found
  }
  const open: Engine['open'] = async ({ endpoint, login, signal }) => {
    const password = login.kind === 'password' ? login.password : await login.token()
    tried.push(`${login.user} ${endpoint.host}`)
    if (password !== (passwords.get(`${login.user} ${endpoint.host}`) ?? 'x'))
      throw new MailboxTrouble('login', 'the log-in was refused', { words: '[AUTHENTICATIONFAILED] no' })
    const user = login.kind === 'password' && login.authzid !== undefined ? login.authzid : login.user
    return mailbox(`${user} ${endpoint.host}`).connect(signal)
  }
  const engine: Engine = { open, copyPass, surveyMailbox, compareMailboxes, ...over }
  const begin = (isAfterDeath: boolean): Desk => {
    const opened = openBatches({
      dir,
      isAfterDeath,
      engine,
      now: () => Date.now() + clock.ahead,
      batchKey: (id) => keys.get(id),
      forgetKey: (id) => void keys.delete(id),
      secret: async (name) =>
        name.endsWith('/boss') ? { kind: 'found', value: Buffer.from('x\n') } : { kind: 'absent' },
      sendReport: async (letter) => {
        letters.push(letter)
        return { ok: true }
      },
      onTrouble: (why) => void troubles.push(why),
      betweenTriesMs: 1,
    })
    assert.ok(opened.ok, opened.ok ? '' : opened.why)
    return opened.desk
  }
  let desk = begin(false)
  return {
    dir,
    desk: () => desk,
    keys,
    letters,
    troubles,
    mailbox,
    passwords,
    tried,
    create(name, csv, settings = {}) {
      const [key, keyId] = [randomBytes(batchKeyBytes), randomUUID()]
      keys.set(keyId, key)
      const parsed = settingsSchema.parse({
        source: { host: 'old.example' },
        target: { host: 'new.example' },
        ...settings,
      })
      const made = desk.create({ name, csv: Buffer.from(csv), settings: parsed, by: 'ann', key, keyId, isTrial: false })
      if (!made.ok) keys.delete(keyId)
      return made
    },
    pass: (ms) => void (clock.ahead += ms),
    async restart(isAfterDeath = false) {
      await desk.close()
      desk = begin(isAfterDeath)
    },
    async [Symbol.asyncDispose]() {
      await desk.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

export const header = 'EmailAddress,UserName,Password,TargetPassword'
export const csvOf = (...users: readonly string[]): string =>
  [header, ...users.map((user) => `${user}@n.example,${user},x,x`), ''].join('\n')

export const letter = (n: number): string =>
  `Message-ID: <${n}@old.example>\r\nSubject: ${n}\r\nDate: Mon, 01 Jun 2026 10:00:00 +0000\r\n\r\nText ${n}.\r\n`

/** So many messages at the source. */
export function fill(stage: Stage, user: string, count: number, options?: MemoryOptions): MemoryServer {
  const server = stage.mailbox(`${user} old.example`, options)
  for (let n = 0; n < count; n += 1) server.put(server.folder('INBOX'), letter(n))
  return server
}

/** Until it is so; ten seconds at most. */
export async function eventually<T>(look: () => T | undefined | false, what: string): Promise<T> {
  for (let tries = 0; tries < 500; tries += 1) {
    const found = look()
    if (found !== undefined && found !== false) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`it never came to this: ${what}`)
}
