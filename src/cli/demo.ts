/** `causeway demo`: two tenants share one domain on this machine, told step by step (local). */
import type { Command } from 'commander'
import { type CliParts, type Run } from './io.ts'

export function demoCommand(program: Command, { io, startGateway }: CliParts, run: Run): void {
  program
    .command('demo')
    .description('two tenants share one domain on this machine, narrated (local)')
    .option('--keep', 'leave everything running to play with, until Ctrl-C')
    .action((options: { keep?: boolean }) =>
      run(async () => {
        const { runDemo } = await import('../lab/lab.ts') // the lab is large, and no other command needs it
        const held = await runDemo({
          startGateway,
          out: (text) => io.out(text),
          keep: options.keep === true ? () => io.stopped() : undefined,
        })
        return held ? 0 : 1
      })(),
    )
}
