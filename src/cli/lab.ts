/** `causeway lab`: a rehearsal of a project file with simulated tenants (local). */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type CliParts, type Run } from './io.ts'

export function labCommand(program: Command, { io, startGateway }: CliParts, run: Run): void {
  program
    .command('lab')
    .description('rehearse a project file with simulated tenants (local)')
    .argument('<file>', 'project file')
    .action((file: string) =>
      run(async () => {
        const { runRehearsal } = await import('../lab/lab.ts') // the lab is large, and no other command needs it
        const out = (text: string): void => io.out(text)
        const held = await runRehearsal({ projectFile: resolve(file), startGateway, out, until: () => io.stopped() })
        return held ? 0 : 1
      })(),
    )
}
