/** Two IMAP servers with mailboxes, the real program between them, and a batch in it that is asked for by its API. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answered, type Served, serve } from '../faults/served.ts'
import { compareMailboxes, type Judged } from '../support/compare-mailboxes.ts'
import { startCyrus } from '../support/cyrus.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { freePorts } from '../support/free-ports.ts'
import { makeMailbox } from '../support/mail-corpus.ts'

export type Kind = 'dovecot' | 'cyrus'
export type StageOptions = {
  readonly target: Kind
  readonly mailboxes: number
  readonly messages: number
  /** Largest of the usual messages, in bytes. */
  readonly largest?: number
  readonly odd?: boolean
  /** Lines of the target's configuration. */
  readonly targetConfig?: string
  /** Of the source, where they are others than the batch says. */
  readonly passwords?: Readonly<Record<string, string>>
  /** Bytes that a mailbox of the target may hold; Dovecot only. */
  readonly quota?: Readonly<Record<string, number>>
}

export type Batch = {
  readonly status: string
  readonly messages: number
  readonly allMessages: number
  readonly skipped: number
  readonly summary: Readonly<Record<string, number>>
}
export type User = {
  readonly email: string
  readonly status: string
  readonly skipped: number
  readonly trouble?: { readonly kind: string; readonly what: string; readonly words: string; readonly remedy: string }
}

export type Stage = {
  readonly dir: string
  readonly source: Dovecot
  readonly target: { readonly host: string; readonly port: number; readonly dovecot?: Dovecot }
  readonly users: readonly string[]
  /** Messages in all source mailboxes. */
  readonly messages: number
  program(): Served
  ask(method: string, path: string, body?: unknown): Promise<Answered>
  batch(): Promise<Batch>
  mailboxes(): Promise<readonly User[]>
  start(more?: Readonly<Record<string, unknown>>): Promise<void>
  /** SIGKILL, and started again on the same data. */
  killed(): Promise<void>
  /** Until every mailbox that can be is in one of these. */
  until(statuses: readonly string[], withinMs: number): Promise<void>
  judge(options?: readonly string[], who?: readonly string[]): Promise<readonly Judged[]>
  [Symbol.asyncDispose](): Promise<void>
}

const name = 'proof'
const project = `name: proof
gateway: { hostname: gw.example.net }
tenants:
  - name: contoso
    kind: smtp
    domains: [contoso.example]
    from: { addresses: [127.0.0.1/32] }
    to: { host: 127.0.0.1, port: 2, tls: none }
`

export async function setStage(o: StageOptions): Promise<Stage> {
  const stack = new AsyncDisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'causeway-move-'))
  chmodSync(dir, 0o755)
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const users = Array.from({ length: o.mailboxes }, (_, i) => `user${i}`)
  const passwords = Object.fromEntries(users.map((user) => [user, `pw-${user}`]))
  const source = await startDovecot({ dir: join(dir, 'source'), users: { ...passwords, ...o.passwords } })
  stack.defer(source.stop)
  const targetOptions = {
    dir: join(dir, 'target'),
    users: passwords,
    ...(o.targetConfig === undefined ? {} : { config: o.targetConfig }),
    ...(o.quota === undefined ? {} : { quota: o.quota }),
  }
  const dovecot = o.target === 'dovecot' ? await startDovecot(targetOptions) : undefined
  const target = dovecot ?? (await startCyrus(targetOptions))
  stack.defer(target.stop)
  let messages = 0
  for (const [seed, user] of users.entries()) {
    const { largest, odd } = o
    const size = { ...(largest === undefined ? {} : { largest }), ...(odd === undefined ? {} : { odd }) }
    messages += makeMailbox({ maildir: source.maildir(user), messages: o.messages, seed: seed + 1, ...size }).messages
  }
  writeFileSync(join(dir, 'project.yaml'), project)
  const [port = 0] = await freePorts(1)
  const begin = (): Promise<Served> =>
    serve({ data: join(dir, 'data'), project: join(dir, 'project.yaml'), port, dns: '127.0.0.1:2' })
  let program = await begin()
  stack.defer(async () => void (await program.stop()))
  const opened = stack.move()
  const ask = async (method: string, path: string, body?: unknown): Promise<Answered> => {
    const answer = await program.ask(method, path, body)
    if (answer === undefined || answer.status >= 400)
      throw new Error(`${method} ${path}: ${answer?.status ?? 404} ${JSON.stringify(answer?.body)}`)
    return answer
  }
  const csv = ['EmailAddress,UserName,Password,TargetUserName,TargetPassword']
    .concat(users.map((user) => `${user}@contoso.example,${user},${passwords[user]},${user},${passwords[user]}`))
    .join('\n')
  const batch = async (): Promise<Batch> => (await ask('GET', `/v1/migrations/${name}`)).body as Batch
  const mailboxes = async (): Promise<readonly User[]> =>
    ((await ask('GET', `/v1/migrations/${name}/users?limit=1000`)).body as { users: User[] }).users
  return {
    dir,
    source,
    target: { host: target.host, port: target.port, ...(dovecot === undefined ? {} : { dovecot }) },
    users,
    messages,
    program: () => program,
    ask,
    batch,
    mailboxes,
    async start(more = {}) {
      const at = (server: { readonly host: string; readonly port: number }) => ({
        host: server.host,
        port: server.port,
        security: 'none',
      })
      const settings = { source: at(source), target: at(target), ...more }
      await ask('POST', '/v1/migrations', { name, csv: Buffer.from(csv).toString('base64'), settings })
      await ask('POST', `/v1/migrations/${name}/start`, {})
    },
    async killed() {
      await program.kill()
      program = await begin()
    },
    async until(statuses, withinMs) {
      const late = Date.now() + withinMs
      for (;;) {
        const all = await mailboxes()
        if (all.length > 0 && all.every((one) => statuses.includes(one.status))) return
        if (Date.now() > late)
          throw new Error(
            `not ${statuses.join(' or ')} within ${withinMs / 1000} s: ${JSON.stringify(all.slice(0, 5))}`,
          )
        await sleep(100)
      }
    },
    judge: (options = [], who = users) =>
      compareMailboxes({
        source,
        target,
        people: who.map((user) => {
          const person = { user, password: passwords[user] ?? '' }
          return { source: { ...person, password: { ...passwords, ...o.passwords }[user] ?? '' }, target: person }
        }),
        options,
      }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
