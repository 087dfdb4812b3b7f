// A pass in a process of its own, to be killed: node copy-process.ts LEDGER SOURCEPORT TARGETPORT USER CONNECTIONS
import { backingOff, copyPass, defaultOptions, ledgerMigrations, openLedger } from '../../src/migrate/copy/copy.ts'
import { openImap } from '../../src/migrate/imap/imap.ts'
import type { Connect } from '../../src/migrate/mailbox/mailbox.ts'
import { openDb } from '../../src/store/store.ts'

const [file = '', source = '', target = '', user = '', connections = '1'] = process.argv.slice(2)
const opened = openDb({ file, migrations: ledgerMigrations, synchronous: 'normal' })
if (!opened.ok) throw new Error(opened.why)

const connectTo = (port: string): Connect => {
  const endpoint = { host: '127.0.0.1', port: Number(port), security: 'none' } as const
  return (signal) => openImap({ endpoint, login: { kind: 'password', user, password: 'pw' }, signal })
}

const outcome = await copyPass({
  mailbox: 1,
  ledger: openLedger(opened.db),
  source: connectTo(source),
  target: connectTo(target),
  options: { ...defaultOptions, followDeletions: true, connections: Number(connections) },
  pace: backingOff({ firstMs: 50 }),
  signal: new AbortController().signal,
  onProgress: () => {},
  tuning: { settleMs: 500 },
})
opened.db.close()
process.stdout.write(`${JSON.stringify(outcome)}\n`)
process.exit(0)
