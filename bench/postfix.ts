/**
 * Postfix + OpenDKIM as a measured server, doing the same work: 10,000 canonical entries for envelope and header, an
 * RSA-2048 signature, everything on to one next hop. An instance of its own beside whatever the machine runs.
 */
import { chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { innerDomain, outerDomain, userCount } from './letter.ts'
import type { Peer, PeerOptions } from './peer.ts'
import { mainCf, masterCf, opendkimConf } from './postfix-config.ts'
import { freePort, lastLines, onCore, run, type Started, startServer, until } from './processes.ts'

/** Why it cannot be measured here, in a sentence; undefined: it can. */
export async function postfixIsMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'Postfix can only be started by root'
  for (const program of ['postfix', 'opendkim']) {
    const found = ['/usr/sbin', '/usr/local/sbin', '/sbin'].some((dir) => existsSync(join(dir, program)))
    if (!found) return `${program} is not installed (npm run setup -- tests, or apt-get install postfix opendkim)`
  }
  return undefined
}

export async function startPostfix(o: PeerOptions): Promise<Peer> {
  const port = await freePort()
  const { configDir, milter, opendkimDir } = await prepare(o, port)
  const opendkim = await startOpendkim(o, opendkimDir, milter)
  try {
    const master = await startMaster(o, configDir, port)
    const end = async () => {
      await endMaster(configDir, master)
      await opendkim.end()
    }
    const flush = async () => void (await run(['postqueue', '-c', configDir, '-f']))
    return { name: 'Postfix + OpenDKIM', port, roots: [master, opendkim.pid], flush, end }
  } catch (error) {
    await opendkim.end()
    throw error
  }
}

/** Files and directories with the owners that Postfix and OpenDKIM insist on. */
async function prepare({ dir, keys, isTls, sinkPort }: PeerOptions, port: number) {
  const [configDir, queueDir, dataDir, opendkimDir] = ['etc', 'spool', 'data', 'dkim'].map((name) => join(dir, name))
  if (!configDir || !queueDir || !dataDir || !opendkimDir) throw new Error('unreachable')
  for (const made of [dir, configDir, queueDir, dataDir, opendkimDir]) mkdirSync(made, { recursive: true, mode: 0o755 })
  await own(dataDir, 'postfix')
  const milter = join(opendkimDir, 'socket')
  const table = await tableType()
  const tls = isTls ? keys : undefined
  writeFileSync(join(configDir, 'main.cf'), mainCf({ configDir, queueDir, dataDir, dir, table, milter, tls }))
  writeFileSync(join(configDir, 'master.cf'), masterCf(port))
  const entry = (_: unknown, i: number) => `u${i}@${innerDomain} u${i}@${outerDomain}\n`
  writeFileSync(join(configDir, 'canonical'), Array.from({ length: userCount }, entry).join(''))
  writeFileSync(join(configDir, 'transport'), `* smtp:[127.0.0.1]:${sinkPort}\n`)
  await run(['postmap', '-c', configDir, `${table}:${configDir}/canonical`, `${table}:${configDir}/transport`])
  copyFileSync(keys.dkim, join(opendkimDir, 'key'))
  for (const [name, text] of Object.entries(opendkimConf(opendkimDir, milter)))
    writeFileSync(join(opendkimDir, name), text)
  await own(opendkimDir, 'opendkim')
  await own(join(opendkimDir, 'key'), 'opendkim')
  return { configDir, opendkimDir, milter }
}

/** lmdb where the package postfix-lmdb is there; Debian's default type otherwise. Neither shows in the figures. */
async function tableType(): Promise<string> {
  const types = (await run(['postconf', '-m'])).split('\n')
  return types.includes('lmdb') ? 'lmdb' : 'hash'
}

async function own(path: string, user: string): Promise<void> {
  const [uid, gid] = [await run(['id', '-u', user]), await run(['id', '-g', user])].map(Number)
  chownSync(path, uid ?? 0, gid ?? 0)
}

async function startOpendkim(o: PeerOptions, dir: string, milter: string): Promise<Started> {
  const logFile = join(dir, 'log')
  const started = await startServer(o.core, ['opendkim', '-f', '-x', join(dir, 'opendkim.conf')], { logFile })
  await until(
    () => existsSync(milter) || started.child.exitCode !== null,
    () => `OpenDKIM did not start: ${lastLines(logFile)}`,
  )
  if (!existsSync(milter)) throw new Error(`OpenDKIM did not start: ${lastLines(logFile)}`)
  return started
}

/** The id of the master process, which is no child of ours: it leaves its terminal. */
async function startMaster({ core, dir }: PeerOptions, configDir: string, port: number): Promise<number> {
  const [program, args] = onCore(core, ['postfix', '-c', configDir, 'start'])
  await run([program, ...args])
  await until(
    () => answers(port),
    () => `Postfix does not listen; the end of its log:\n${lastLines(join(dir, 'mail.log'))}`,
  )
  return Number(readFileSync(join(dir, 'spool/pid/master.pid'), 'utf8'))
}

async function endMaster(configDir: string, master: number): Promise<void> {
  await run(['postfix', '-c', configDir, 'stop']).catch(() => '')
  await until(
    () => !existsSync(`/proc/${master}`),
    () => `Postfix (${master}) does not end`,
  )
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    const done = (isUp: boolean) => {
      socket.destroy()
      resolve(isUp)
    }
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })
}
