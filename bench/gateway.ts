/** Causeway as a measured server: one worker, everything that it does by default switched on. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { selector } from './keys.ts'
import { innerDomain, outerDomain, userCount } from './letter.ts'
import type { Peer, PeerOptions } from './peer.ts'
import { freePort, lastLines, run, type Started, startServer } from './processes.ts'

const causeway = fileURLToPath(new URL('../bin/causeway', import.meta.url))
const startWithinMs = 30_000

/** With `profileDir` each of its threads writes a CPU profile there when it ends. */
export async function startGateway(
  o: PeerOptions & { readonly profileDir: string | undefined; readonly dns?: string },
): Promise<Peer> {
  const port = await freePort()
  const dataDir = join(o.dir, 'data')
  const logFile = join(o.dir, 'causeway.log')
  mkdirSync(o.dir, { recursive: true })
  const projectFile = writeProject(o)
  const places = ['--smtp', `127.0.0.1:${port}`, '--http', '127.0.0.1:0', '--dns', o.dns ?? '127.0.0.1:9']
  const command = [causeway, 'serve', '--data', dataDir, ...places, '--project', projectFile, '--workers', '1']
  const profiling = o.profileDir === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${o.profileDir}` }
  const started = await startServer(o.core, command, { logFile, env: { ...process.env, ...profiling } })
  await ready(started, logFile)
  return { name: 'Causeway', port, roots: [started.pid], flush: () => flush(dataDir), end: started.end }
}

async function flush(dataDir: string): Promise<void> {
  try {
    await run([causeway, 'queue', 'retry', '--all', '--yes', '--data', dataDir])
  } catch (error) {
    // It may have found out by itself that the next hop is back, and be done.
    if (!String(error).includes('nothing to retry')) throw error
  }
}

/** It prints `ready` when it listens. */
async function ready({ child, end }: Started, logFile: string): Promise<void> {
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  const readyLine = (async () => {
    for await (const line of lines) if (line === 'ready') return true
    return false
  })()
  const late = AbortSignal.timeout(startWithinMs)
  const isReady = await Promise.race([readyLine, once(late, 'abort').then(() => false)])
  child.stdout?.resume() // whatever it says later must not fill the pipe
  if (isReady) return
  await end()
  throw new Error(`Causeway did not start; the end of its log:\n${lastLines(logFile)}`)
}

/** The directory entry of each user: internal uN@tenant1.example, external uN@shared.example. */
function writeProject(o: PeerOptions): string {
  const people = Array.from({ length: userCount }, (_, i) => `u${i}@${innerDomain},u${i}@${outerDomain},DayOne\n`)
  writeFileSync(join(o.dir, 'people.csv'), `Source,Target,Mode\n${people.join('')}`)
  const file = join(o.dir, 'project.yaml')
  writeFileSync(file, project(o))
  return file
}

const project = ({ keys, isTls, sinkPort }: PeerOptions): string => `name: bench
gateway:
  hostname: relay.${outerDomain}
  ${isTls ? `tls: { cert: ${keys.cert}, key: ${keys.key} }` : ''}
tenants:
  - name: tenant1
    kind: smtp
    domains: [${innerDomain}]
    from: { addresses: [127.0.0.1/32] }
    to: { host: 127.0.0.1, port: ${sinkPort}, tls: none }
    outbound:
      smarthost:
        host: 127.0.0.1
        port: ${sinkPort}
        ${isTls ? `tls: required\n        ca: ${keys.ca}` : 'tls: none'}
directoryFiles: [people.csv]
domains:
  - name: ${outerDomain}
    dkim: { selector: ${selector}, keyFile: ${keys.dkim} }
`
