/** A real Cyrus IMAP server in a folder of its own: another kind of source and target of mailbox moves than Dovecot. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePorts } from './free-ports.ts'
import { runTool, startProgram, untilListening } from './program.ts'

export type CyrusOptions = {
  /** Empty or absent. A parent that only root may enter is opened for Cyrus. */
  readonly dir: string
  readonly users: Readonly<Record<string, string>>
  /** Lines of imapd.conf, behind ours. */
  readonly config?: string
}

export type Cyrus = {
  readonly host: '127.0.0.1'
  readonly port: number
  log(): string
  readonly stop: () => Promise<void>
}

/** Its package conflicts with Dovecot's, so that tools/setup.sh only unpacks it. */
const imapd = resolve(import.meta.dirname, '../../node_modules/.cache/debian/cyrus-imapd/usr/lib/cyrus/bin/imapd')

/** For the `skip` of a test. On CI it throws instead. */
export function missingCyrus(): string | false {
  const reason = existsSync(imapd) ? false : 'Cyrus is not here: sh tools/setup.sh tests'
  if (reason !== false && process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

export async function startCyrus(o: CyrusOptions): Promise<Cyrus> {
  const folders = ['db', 'socket', 'log', 'proc', 'ptclient', 'msg', 'sync', 'lock', 'quota', 'user']
  for (const folder of folders) mkdirSync(join(o.dir, 'conf', folder), { recursive: true })
  mkdirSync(join(o.dir, 'spool'))
  for (const folder of [join(o.dir, '..'), o.dir]) chmodSync(folder, 0o755)
  // The folders above the checkout may be closed to the user that Cyrus runs as.
  copyFileSync(imapd, join(o.dir, 'imapd'))
  chmodSync(join(o.dir, 'imapd'), 0o755)
  writeFileSync(join(o.dir, 'imapd.conf'), imapdConf(o))
  const [port = 0] = await freePorts(1)
  writeFileSync(join(o.dir, 'cyrus.conf'), cyrusConf(o.dir, port))
  for (const [user, password] of Object.entries(o.users))
    runTool(['/usr/sbin/saslpasswd2', '-p', '-c', '-f', join(o.dir, 'sasldb2'), '-u', 'localhost', user], password)
  runTool(['chown', '-R', 'cyrus:mail', o.dir])
  const argv = ['/usr/sbin/cyrmaster', '-C', 'imapd.conf', '-M', 'cyrus.conf', '-p', 'master.pid']
  const master = startProgram(
    argv.map((word) => (/\.(?:conf|pid)$/.test(word) ? join(o.dir, word) : word)),
    o.dir,
  )
  await untilListening('127.0.0.1', port, master)
  return { host: '127.0.0.1', port, log: master.output, stop: async () => void (await master.stop()) }
}

/** A mailbox is made when its user logs in for the first time. */
function imapdConf(o: CyrusOptions): string {
  return `configdirectory: ${o.dir}/conf
partition-default: ${o.dir}/spool
defaultpartition: default
mboxname_lockpath: ${o.dir}/conf/lock
servername: localhost
cyrus_user: cyrus
unixhierarchysep: yes
altnamespace: yes
virtdomains: off
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${o.dir}/sasldb2
sasl_mech_list: PLAIN
autocreate_quota: 0
autocreate_inbox_folders: Drafts|Sent|Trash
xlist-drafts: Drafts
xlist-sent: Sent
xlist-trash: Trash
${o.config ?? ''}
`
}

function cyrusConf(dir: string, port: number): string {
  return `START {
}
SERVICES {
  imap cmd="${dir}/imapd -C ${dir}/imapd.conf" listen="127.0.0.1:${port}" prefork=0 maxchild=100
}
EVENTS {
}
`
}
