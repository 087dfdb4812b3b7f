/** `causeway lab`: a rehearsal of a project file with simulated tenants (local). */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { runRehearsal } from '../lab/lab.ts'
import type { CliParts } from './cli.ts'
import type { Run } from './io.ts'

export function labCommand(program: Command, { io, startGateway }: CliParts, run: Run): void {
  program
    .command('lab')
    .description('rehearse a project file with simulated tenants (local)')
    .argument('<file>', 'project file')
    .action((file: string) =>
      run(async () =>
        (await runRehearsal({
          projectFile: resolve(file),
          startGateway,
          out: (text) => io.out(text),
          until: () => io.stopped(),
        }))
          ? 0
          : 1,
      )(),
    )
}
