/** `causeway secret`: values that the project names as `vault:NAME`. They go in, and never come out. */
import type { Command } from 'commander'
import { z } from 'zod'
import { rotatedSchema, secretSetSchema, secretsSchema } from '../api/api.ts'
import { connect } from './client.ts'
import { type CliParts, jsonText, type Run, readInput, Stop, shared, table } from './io.ts'
import { setOffline } from './offline-secret.ts'
import { keyFileOption } from './vault.ts'

export function secretCommand(program: Command, parts: CliParts, run: Run): void {
  const group = program.command('secret').description('secrets that the project names as vault:NAME')
  setCommand(group, parts, run)
  listCommand(group, parts, run)
  removeCommand(group, parts, run)
  rotateCommand(group, parts, run)
}

const path = (name: string): string => `/v1/secrets/${encodeURIComponent(name)}`
const json = (value: unknown): string => jsonText(value)

type SetOptions = { file?: string; offline?: boolean; keyFile?: string }

/** Never from an argument: those are seen by everybody on the machine, and kept by the shell. */
function setCommand(group: Command, { io }: CliParts, run: Run): void {
  const set = group
    .command('set')
    .description('set one: from standard input, or from a file of any kind')
    .argument('<name>')
    .option('--file <file>', 'file with the value; default: standard input')
    .option('--offline', 'while the gateway is stopped: it cannot start without a secret that its project names')
    .addOption(keyFileOption())
  set.action((name: string, { file, offline, keyFile }: SetOptions) =>
    run(async () => {
      if (file === undefined && process.stdin.isTTY)
        throw new Stop(2, 'give the value on standard input or with --file: what is typed here could be read along')
      const { at, json: asJson } = shared(set)
      const bytes = readInput(file ?? '-')
      if (offline === true) {
        const version = setOffline(at.data, keyFile, name, bytes)
        io.out(asJson ? json({ name, version }) : `${name}: version ${version}\n`)
        return 0
      }
      const value = bytes.toString('base64')
      const answer = await connect(at).send('PUT', path(name), { value }, secretSetSchema)
      if (asJson) io.out(json(answer))
      else
        io.out(
          `${name}: version ${answer.version}${answer.places.length === 0 ? ', not used by the project yet' : ''}\n`,
        )
      return 0
    })(),
  )
}

function listCommand(group: Command, { io }: CliParts, run: Run): void {
  const list = group.command('list').description('names, never values')
  list.action(() =>
    run(async () => {
      const { at, json: asJson } = shared(list)
      const answer = await connect(at).get('/v1/secrets', secretsSchema)
      const rows = answer.secrets.map((s) => [s.name, String(s.version), s.at, s.by, s.places.join(' ') || '-'])
      io.out(asJson ? json(answer) : table([['NAME', 'VERSION', 'SET AT', 'BY', 'USED AT'], ...rows]))
      return 0
    })(),
  )
}

function removeCommand(group: Command, { io }: CliParts, run: Run): void {
  const remove = group.command('remove').description('remove one that the project does not name').argument('<name>')
  remove.action((name: string) =>
    run(async () => {
      const { at, json: asJson } = shared(remove)
      const answer = await connect(at).send('DELETE', path(name), undefined, z.object({ name: z.string() }))
      io.out(asJson ? json(answer) : `${name} is removed\n`)
      return 0
    })(),
  )
}

function rotateCommand(group: Command, { io }: CliParts, run: Run): void {
  const rotate = group
    .command('rotate-key')
    .description('take a new master key; docs/secrets.md says what to do where it is kept elsewhere')
  rotate.action(() =>
    run(async () => {
      const { at, json: asJson } = shared(rotate)
      const answer = await connect(at).send('POST', '/v1/secrets/rotate-key', {}, rotatedSchema)
      io.out(asJson ? json(answer) : `${answer.secrets} secrets are under the master key ${answer.keyId} now\n`)
      return 0
    })(),
  )
}
