/** `causeway lab`: a rehearsal of a project file with simulated tenants (local). */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type CliParts, type Run, shared } from './io.ts'
import { keyFileOption, vaultIn } from './vault.ts'

export function labCommand(program: Command, { io, startGateway }: CliParts, run: Run): void {
  const command = program
    .command('lab')
    .description('rehearse a project file with simulated tenants (local)')
    .argument('<file>', 'project file')
    .addOption(keyFileOption())
  command.action((file: string, { keyFile }: { keyFile?: string }) =>
    run(async () => {
      const { runRehearsal } = await import('../lab/lab.ts') // the lab is large, and no other command needs it
      using vault = vaultIn(shared(command).at.data, keyFile)
      const held = await runRehearsal({
        projectFile: resolve(file),
        secrets: vault.secrets,
        startGateway,
        out: (text) => io.out(text),
        until: () => io.stopped(),
      })
      return held ? 0 : 1
    })(),
  )
}
