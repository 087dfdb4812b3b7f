/** Causeway's copier as a process of its own, so that what it costs can be read off it. Warm, as in the service where it lives. */
import { type CopyOptions, copyPass, ledgerMigrations, openLedger } from '../src/migrate/copy/copy.ts'
import { openImap } from '../src/migrate/imap/imap.ts'
import type { Connect } from '../src/migrate/mailbox/mailbox.ts'
import { openDb } from '../src/store/store.ts'
import { answerParent } from './child.ts'
import { password } from './move-work.ts'

export type Pair = { readonly source: string; readonly target: string }
export type CopyAsk = {
  readonly sourcePort: number
  readonly targetPort: number
  readonly pairs: readonly Pair[]
  readonly workers: number
  readonly connections: number
  readonly ledgerFile: string
}
export type CopyAnswer = { readonly ms: number; readonly copied: number; readonly trouble: readonly string[] }
export type CopierQuestions = { readonly copy: { readonly asks: CopyAsk; readonly answers: CopyAnswer } }

const options: Omit<CopyOptions, 'connections'> = {
  newestFirst: false,
  excludeFolders: [],
  folderMap: {},
  followFlags: true,
  followDeletions: false,
}

async function copy(ask: CopyAsk): Promise<CopyAnswer> {
  const opened = openDb({ file: ask.ledgerFile, migrations: ledgerMigrations, synchronous: 'full' })
  if (!opened.ok) throw new Error(opened.why)
  const ledger = openLedger(opened.db)
  const left = ask.pairs.map((pair, mailbox) => ({ ...pair, mailbox }))
  const trouble: string[] = []
  let copied = 0
  const one = async (): Promise<void> => {
    for (let pair = left.shift(); pair !== undefined; pair = left.shift()) {
      const outcome = await copyPass({
        mailbox: pair.mailbox,
        ledger,
        source: mailboxOf(ask.sourcePort, pair.source),
        target: mailboxOf(ask.targetPort, pair.target),
        options: { ...options, connections: ask.connections },
        pace: { take: async () => {}, told: () => {}, went: () => {} },
        signal: new AbortController().signal,
        onProgress: () => {},
      })
      if (outcome.kind === 'done') copied += outcome.copied
      else trouble.push(`${pair.source}: ${outcome.kind === 'failed' ? outcome.trouble.message : outcome.kind}`)
    }
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: ask.workers }, one))
  const ms = performance.now() - began
  opened.db.close()
  return { ms, copied, trouble }
}

function mailboxOf(port: number, user: string): Connect {
  const endpoint = { host: '127.0.0.1', port, security: 'none' } as const
  return (signal) => openImap({ endpoint, login: { kind: 'password', user, password }, signal })
}

answerParent<CopierQuestions>({ copy })
