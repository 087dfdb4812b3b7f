/**
 * The command line: a client of the API, except for the commands marked (local).
 *
 * Promises: every command has --help and --json; exit codes are 0 done, 1 the answer is no, 2 wrong usage, 3 could not ask.
 * Never: asks a question when standard input is not a terminal; every question has a flag.
 * On failure: one sentence on standard error that names the thing and says what to do.
 */
import { Command, CommanderError, Option } from 'commander'
import { applyCommand } from './apply.ts'
import { auditCommand } from './audit.ts'
import { certCommand } from './cert.ts'
import { demoCommand } from './demo.ts'
import { directoryCommand } from './directory.ts'
import { dkimCommand } from './dkim.ts'
import { domainCommand } from './domain.ts'
import { explainCommand } from './explain.ts'
import { exportCommand } from './export.ts'
import { type CliParts, type Io, Stop } from './io.ts'
import { labCommand } from './lab.ts'
import { migrateCommand } from './migrate.ts'
import { queueCommand } from './queue.ts'
import { secretCommand } from './secret.ts'
import { serveCommand } from './serve.ts'
import { tokenCommand } from './token.ts'
import { traceCommand } from './trace.ts'

export { processIo, Stop } from './io.ts'

/** Runs one command and gives its exit code. */
export async function runCli(parts: CliParts, argv: readonly string[]): Promise<number> {
  const program = programOf(parts)
  let code = 0
  const run = (job: () => Promise<number>) => async () => {
    code = await job()
  }
  for (const add of [
    serveCommand,
    demoCommand,
    explainCommand,
    traceCommand,
    queueCommand,
    migrateCommand,
    applyCommand,
    exportCommand,
    directoryCommand,
    domainCommand,
    dkimCommand,
    certCommand,
    secretCommand,
    tokenCommand,
    auditCommand,
    labCommand,
  ]) {
    add(program, parts, run)
  }
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    return exitCode(parts.io, error)
  }
}

function programOf({ io, version }: CliParts): Command {
  const program = new Command('causeway')
  program
    .description(
      'Lets several mail systems share one domain: rewrites, signs and carries their mail, and explains every step.',
    )
    .version(version)
    .addOption(
      new Option('--data <dir>', 'data directory of the gateway to talk to')
        .env('CAUSEWAY_DATA')
        .default('/var/lib/causeway'),
    )
    .addOption(
      new Option('--token-file <file>', 'file with the token of the API; default: api.token in the data directory').env(
        'CAUSEWAY_TOKEN_FILE',
      ),
    )
    .option('--json', 'answer as JSON')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .showHelpAfterError('(--help shows the usage)')
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
  return program
}

function exitCode(io: Io, error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (!(error instanceof Stop)) throw error
  io.err(`causeway: ${error.message}\n`)
  return error.code
}
