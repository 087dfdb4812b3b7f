/** `causeway serve`: the gateway (local). */
import type { Command } from 'commander'
import { isLoopback } from '../api/api.ts'
import { type CliParts, type Run, Stop, shared } from './io.ts'
import { keyFileOption } from './vault.ts'

type Options = {
  smtp?: string[]
  smtps?: string[]
  http: string
  project?: string
  workers: string
  dns?: string[]
  keyFile?: string
}

export function serveCommand(program: Command, { io, startGateway }: CliParts, run: Run): void {
  const command = program
    .command('serve')
    .description('run the gateway (local); prints `ready` when it listens, drains and ends at SIGTERM')
    .option('--smtp <host:port>', 'where to take mail; may be given several times; default: 0.0.0.0:25', collect)
    .option('--smtps <host:port>', 'the same, TLS from the first byte', collect)
    .option('--http <host:port>', 'where the API listens; a loopback address', '127.0.0.1:8025')
    .option('--project <file>', 'apply this project file when it changed since it was last applied')
    .option('--workers <n>', 'processes that take connections; 1 for now', '1')
    .option('--dns <address>', 'DNS server to ask, ADDRESS or ADDRESS:PORT; default: those of the system', collect)
    .addOption(keyFileOption())
  command.action((options: Options) =>
    run(async () => {
      const gateway = await startGateway({
        dataDir: shared(command).at.data,
        smtp: placesOf(options),
        http: readLoopback(options.http),
        dnsServers: options.dns ?? [],
        workers: readCount(options.workers),
        ...(options.project === undefined ? {} : { projectFile: options.project }),
        ...(options.keyFile === undefined ? {} : { keyFile: options.keyFile }),
      })
      io.out('ready\n')
      await io.stopped()
      await gateway.stop()
      return 0
    })(),
  )
}

/** Port 25 of all addresses, when nothing else is said. */
function placesOf({ smtp = [], smtps = [] }: Options) {
  const plain = smtp.length + smtps.length === 0 ? ['0.0.0.0:25'] : smtp
  return [...plain.map(readPlace), ...smtps.map((place) => ({ ...readPlace(place), implicitTls: true }))]
}

const collect = (value: string, all: readonly string[] = []): string[] => [...all, value]

/** HOST:PORT, with an IPv6 address in brackets; port 0 lets the system choose. */
export function readPlace(text: string): { readonly host: string; readonly port: number } {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([^:]+)):(\d{1,5})$/i.exec(text)
  const host = parts?.[1] ?? parts?.[2]
  const port = Number(parts?.[3])
  if (host === undefined || port > 65_535)
    throw new Stop(2, `${JSON.stringify(text)} is no HOST:PORT; write 127.0.0.1:2525 or [::1]:2525`)
  return { host, port }
}

function readLoopback(text: string) {
  const place = readPlace(text)
  if (isLoopback(place.host)) return place
  throw new Stop(2, `--http takes a loopback address, not ${place.host}: the token travels in the clear; use a tunnel`)
}

function readCount(text: string): number {
  if (text === '1') return 1
  throw new Stop(2, `--workers takes 1 for now, not ${JSON.stringify(text)}: one process does all the work`)
}
