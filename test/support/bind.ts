/** A real name server (BIND) for the zones of a test. Nothing but these zones exists: the rest is NXDOMAIN, nobody is asked. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onFreePort } from './ports.ts'
import { type Running, runTool, startProgram, until } from './program.ts'

/** Records of a zone, as lines of a zone file: `@ MX 10 mx1`. The text `broken` makes a zone that BIND answers SERVFAIL for. */
export type Zones = Readonly<Record<string, readonly string[]>>

export type Bind = {
  readonly host: string
  readonly port: number
  /** Answers on port 53 of `host` too, for programs that know no other: BIND itself takes addresses of interfaces only. */
  answerAt(host: string): Promise<void>
  /** Puts another version of a zone in place, and waits until it is served. */
  publish(zone: string, records: readonly string[]): Promise<void>
  stop(): Promise<void>
}

export type BindOptions = {
  readonly dir: string
  readonly zones: Zones
  /** Which port is tried next. Default: one that is free. */
  readonly choose?: () => Promise<number>
}

const host = '127.0.0.1'

export async function startBind(o: BindOptions): Promise<Bind> {
  mkdirSync(o.dir, { recursive: true })
  const file = (zone: string): string => join(o.dir, zone === '.' ? 'root.zone' : `${zone}.zone`)
  let serial = 1
  const write = (zone: string, records: readonly string[]): void =>
    writeFileSync(file(zone), zoneText(records, serial++))
  const zones: Zones = { ...o.zones, '.': ['ns.invalid. A 127.0.0.1'] }
  for (const [zone, records] of Object.entries(zones)) write(zone, records)
  const { named, port } = await onFreePort(async (tried) => {
    writeFileSync(join(o.dir, 'named.conf'), conf({ dir: o.dir, port: tried }, Object.keys(zones), file))
    return { named: await startNamed(o.dir, tried), port: tried }
  }, o.choose)
  const relays: Socket[] = []
  return {
    host,
    port,
    answerAt: async (at) => void relays.push(await relay(at, port)),
    async publish(zone, records) {
      const wanted = serial
      write(zone, records)
      process.kill(named.pid, 'SIGHUP')
      const served = (): true | undefined => {
        const { out } = runTool(['dig', '+short', '+time=1', '+tries=1', `@${host}`, '-p', `${port}`, zone, 'SOA'])
        return out.includes(` ${wanted} `) || undefined
      }
      await until(`version ${wanted} of ${zone}`, served, () => named.output())
    },
    async stop() {
      for (const socket of relays) socket.close()
      await named.stop()
    },
  }
}

/** With UDP alone it goes on, and whoever answers by TCP is somebody else: so it is asked to say that all is well itself. */
async function startNamed(dir: string, port: number): Promise<Running> {
  const named = startProgram(['named', '-g', '-n', '1', '-c', join(dir, 'named.conf')], dir)
  const look = (): true | undefined => {
    if (named.hasEnded) throw new Error(`BIND ended before it listened on ${host}:${port}\n${named.output()}`)
    return / running$/m.test(named.output()) || undefined
  }
  try {
    await until('BIND', look, named.output)
    if (named.output().includes('address in use')) throw new Error(`BIND: address in use: ${host}:${port}`)
  } catch (error) {
    await named.stop()
    throw error
  }
  return named
}

/** Passes questions on and answers back. */
async function relay(at: string, to: number): Promise<Socket> {
  const front = createSocket('udp4')
  front.on('message', (question, from) => {
    const back = createSocket('udp4')
    const late = setTimeout(() => back.close(), 5000).unref()
    back.once('message', (answer) => {
      front.send(answer, from.port, from.address)
      clearTimeout(late)
      back.close()
    })
    back.send(question, to, '127.0.0.1')
  })
  front.bind(53, at)
  await once(front, 'listening')
  return front
}

function zoneText(records: readonly string[], serial: number): string {
  if (records[0] === 'broken') return 'this is no zone\n'
  return ['$TTL 1', `@ SOA ns.invalid. hostmaster.invalid. ${serial} 3600 600 86400 1`, '@ NS ns.invalid.', ...records]
    .join('\n')
    .concat('\n')
}

/** Recursion is offered, because OpenDKIM's resolver forwards; the root zone is ours, so it ends here. */
function conf(
  { dir, port }: { readonly dir: string; readonly port: number },
  zones: readonly string[],
  file: (zone: string) => string,
): string {
  return `options {
  directory "${dir}";
  listen-on port ${port} { ${host}; };
  listen-on-v6 { none; };
  pid-file none;
  lock-file none;
  session-keyfile none;
  recursion yes;
  allow-recursion { any; };
  dnssec-validation no;
  empty-zones-enable no;
  notify no;
};
controls { };
${zones.map((zone) => `zone "${zone}" { type primary; file "${file(zone)}"; };`).join('\n')}
`
}
