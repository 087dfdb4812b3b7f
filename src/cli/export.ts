/** `causeway export`: the project file as it would be written now. */
import type { Command } from 'commander'
import { connect } from './client.ts'
import { type CliParts, jsonText, type Run, shared } from './io.ts'

export function exportCommand(program: Command, { io }: CliParts, run: Run): void {
  const command = program.command('export').description('print the project file as it is now')
  command.action(() =>
    run(async () => {
      const { at, json } = shared(command)
      const text = await connect(at).text('/v1/project')
      io.out(json ? jsonText({ project: text }, 0) : text)
      return 0
    })(),
  )
}
