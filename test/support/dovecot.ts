/** A real Dovecot in a folder of its own, with Maildirs: a source or a target of mailbox moves. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { issue, makeCa } from './certificates.ts'
import { freePorts } from './free-ports.ts'
import { runTool, startProgram, untilListening } from './program.ts'

export type DovecotOptions = {
  /** Empty or absent. A parent that only root may enter is opened for Dovecot. */
  readonly dir: string
  /** Passwords by user name. */
  readonly users: Readonly<Record<string, string>>
  /** Logs in as anybody: `user*name` with this password. */
  readonly master?: { readonly name: string; readonly password: string }
  /** Bytes that a mailbox may hold; the others hold any number. */
  readonly quota?: Readonly<Record<string, number>>
  /** Lines of dovecot.conf, behind ours: they win. */
  readonly config?: string
}

export type Dovecot = {
  readonly host: '127.0.0.1'
  /** In the clear, and STARTTLS. */
  readonly port: number
  readonly tlsPort: number
  /** The authority of its certificate, which is made for `localhost`; PEM. */
  readonly ca: string
  /** Where the Maildir of a user lies. */
  maildir(user: string): string
  /** What `doveadm` prints. */
  doveadm(...args: readonly string[]): string
  log(): string
  readonly stop: () => Promise<void>
}

/** Owner of the Maildirs. */
const nobody = 65534

export async function startDovecot(o: DovecotOptions): Promise<Dovecot> {
  const ca = makeCa({ name: 'Root of the mail servers' })
  const identity = issue({ ca, names: ['localhost'] })
  for (const folder of [o.dir, join(o.dir, 'mail')]) mkdirSync(folder, { recursive: true })
  for (const folder of [join(o.dir, '..'), o.dir]) chmodSync(folder, 0o755)
  chownSync(join(o.dir, 'mail'), nobody, nobody)
  writeFileSync(join(o.dir, 'server.crt'), identity.chain)
  writeFileSync(join(o.dir, 'server.key'), identity.key, { mode: 0o600 })
  const lines = Object.entries(o.users).map(([name, password]) => {
    const quota = o.quota?.[name]
    return `${name}:{PLAIN}${password}::::::${quota === undefined ? '' : `userdb_quota_rule=*:bytes=${quota}`}`
  })
  writeFileSync(join(o.dir, 'users'), `${lines.join('\n')}\n`)
  if (o.master !== undefined) writeFileSync(join(o.dir, 'masters'), `${o.master.name}:{PLAIN}${o.master.password}\n`)

  const [port = 0, tlsPort = 0] = await freePorts(2)
  const conf = join(o.dir, 'dovecot.conf')
  writeFileSync(conf, confText(o, port, tlsPort))
  const program = startProgram(['dovecot', '-F', '-c', conf], o.dir)
  await untilListening('127.0.0.1', port, program)
  return {
    host: '127.0.0.1',
    port,
    tlsPort,
    ca: ca.cert,
    maildir: (user) => join(o.dir, 'mail', user, 'Maildir'),
    doveadm: (...args) => runTool(['doveadm', '-c', conf, ...args]).out,
    log: program.output,
    stop: async () => void (await program.stop()),
  }
}

function confText(o: DovecotOptions, port: number, tlsPort: number): string {
  const master =
    o.master === undefined
      ? ''
      : `auth_master_user_separator = *
passdb {
  driver = passwd-file
  master = yes
  args = ${o.dir}/masters
}`
  return `protocols = imap
base_dir = ${o.dir}/run
state_dir = ${o.dir}/run
log_path = /dev/stderr
listen = 127.0.0.1
ssl = yes
ssl_cert = <${o.dir}/server.crt
ssl_key = <${o.dir}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:${o.dir}/mail/%u/Maildir
mail_uid = ${nobody}
mail_gid = ${nobody}
first_valid_uid = 1
mail_max_userip_connections = 200
mail_fsync = optimized
maildir_very_dirty_syncs = yes
default_process_limit = 200
${master}
passdb {
  driver = passwd-file
  args = ${o.dir}/users
}
userdb {
  driver = passwd-file
  args = ${o.dir}/users
  default_fields = uid=${nobody} gid=${nobody} home=${o.dir}/mail/%u
}
${o.quota === undefined ? '' : quotaConf}
namespace inbox {
  inbox = yes
  separator = /
}
service imap-login {
  service_count = 0
  client_limit = 500
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tlsPort}
    ssl = yes
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
${o.config ?? ''}
`
}

const quotaConf = `mail_plugins = $mail_plugins quota
protocol imap {
  mail_plugins = $mail_plugins imap_quota
}
plugin {
  quota = maildir:User quota
}`
