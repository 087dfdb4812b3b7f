/**
 * A real Postfix in a folder of its own: as a tenant, as the outside, as a smart host. Its mailboxes are maildirs, so a test
 * reads what arrived; what nobody has a mailbox for is relayed as `main` says.
 */
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Running, runTool, startProgram, until, untilListening } from './program.ts'

export type PostfixService = {
  readonly host: string
  readonly port: number
  /** Parameters of main.cf, for connections to this place only. */
  readonly options?: Readonly<Record<string, string>>
}

export type PostfixOptions = {
  readonly dir: string
  readonly hostname: string
  readonly listen: readonly PostfixService[]
  /** Addresses with a mailbox; their domains are its own. Everybody else there is unknown, 550 5.1.1. */
  readonly mailboxes: readonly string[]
  readonly main?: Readonly<Record<string, string>>
  /** A DNS server on port 53 of this address; without one it looks nothing up. */
  readonly nameserver?: string
}

export type Postfix = {
  readonly hostname: string
  readonly dir: string
  log(): string
  /** Messages in a mailbox, oldest first, as Postfix wrote them (line ends LF). */
  mail(address: string): readonly string[]
  /** Waits until there are so many, and gives the last one. */
  arrived(address: string, count?: number): Promise<string>
  /** How many messages all mailboxes hold. */
  readonly held: number
  /** Messages that it has taken and not got rid of. */
  queued(): number
  stop(): Promise<void>
}

export async function startPostfix(o: PostfixOptions): Promise<Postfix> {
  lay(o)
  const master = startProgram(['/usr/lib/postfix/sbin/master', '-c', join(o.dir, 'etc'), '-d'], o.dir)
  const log = (): string => readIfThere(join(o.dir, 'mail.log')) + master.output()
  for (const { host, port } of o.listen) await untilListening(host, port, master, log)
  return view(o, master, log)
}

function view(o: PostfixOptions, master: Running, log: () => string): Postfix {
  const mail = (address: string): string[] => {
    const folder = join(o.dir, 'mail', address.toLowerCase(), 'new')
    return filesOf(folder).map((name) => readFileSync(join(folder, name), 'latin1'))
  }
  const about = (): string => `the log of ${o.hostname}:\n${log().split('\n').slice(-40).join('\n')}`
  return {
    hostname: o.hostname,
    dir: o.dir,
    log,
    mail,
    arrived: (address, count = 1) =>
      until(`mail ${count} for ${address}`, () => mail(address)[count - 1], about, 30_000),
    get held() {
      return o.mailboxes.reduce((sum, address) => sum + mail(address).length, 0)
    },
    queued() {
      const { out } = runTool(['postqueue', '-c', join(o.dir, 'etc'), '-j'])
      return out.split('\n').filter((line) => line.startsWith('{')).length
    },
    stop: async () => void (await master.stop()),
  }
}

/** By time of arrival; the name of a file in a maildir does not sort by it. */
function filesOf(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder).map((name) => ({ name, at: statSync(join(folder, name)).mtimeMs }))
    return names.sort((a, b) => a.at - b.at).map(({ name }) => name)
  } catch {
    return [] // nobody has written to it yet
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

/** Debian's numbers for the accounts that Postfix wants; `nobody` owns the mailboxes. */
function idOf(what: 'passwd' | 'group', name: string): number {
  const line = readFileSync(`/etc/${what}`, 'utf8')
    .split('\n')
    .find((l) => l.startsWith(`${name}:`))
  if (line === undefined) throw new Error(`no ${name} in /etc/${what}: is Postfix installed as Debian does it?`)
  return Number(line.split(':')[2])
}

/** Folders with the owners and modes that postfix(1) would give them, so that master(8) can be started by itself. */
function lay(o: PostfixOptions): void {
  const postfix = idOf('passwd', 'postfix')
  const postdrop = idOf('group', 'postdrop')
  const make = (path: string, mode: number, user = 0, group = 0): void => {
    mkdirSync(join(o.dir, path), { recursive: true })
    chownSync(join(o.dir, path), user, group)
    chmodSync(join(o.dir, path), mode)
  }
  for (const path of ['.', 'etc', 'spool', 'spool/etc', 'spool/pid']) make(path, 0o755)
  for (const queue of 'active bounce corrupt defer deferred flush hold incoming private saved trace'.split(' '))
    make(`spool/${queue}`, 0o700, postfix)
  make('spool/maildrop', 0o1730, postfix, postdrop)
  make('spool/public', 0o2710, postfix, postdrop)
  make('data', 0o700, postfix)
  make('mail', 0o700, idOf('passwd', 'nobody'), idOf('group', 'nogroup'))
  if (o.nameserver !== undefined) writeFileSync(join(o.dir, 'spool/etc/resolv.conf'), `nameserver ${o.nameserver}\n`)
  writeFileSync(join(o.dir, 'etc/main.cf'), lines(mainCf(o)))
  writeFileSync(join(o.dir, 'etc/master.cf'), masterCf(o))
}

const lines = (parameters: Readonly<Record<string, string>>): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')

function mainCf(o: PostfixOptions): Record<string, string> {
  const hosts = [...new Set(o.listen.map(({ host }) => host))]
  return {
    compatibility_level: '3.6',
    queue_directory: join(o.dir, 'spool'),
    data_directory: join(o.dir, 'data'),
    command_directory: '/usr/sbin',
    daemon_directory: '/usr/lib/postfix/sbin',
    shlib_directory: '/usr/lib/postfix',
    meta_directory: '/etc/postfix',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    maillog_file: join(o.dir, 'mail.log'),
    maillog_file_prefixes: o.dir,
    import_environment: 'MAIL_CONFIG LANG=C',
    myhostname: o.hostname,
    myorigin: o.hostname,
    mydestination: '',
    mynetworks: '',
    inet_interfaces: '127.0.0.1', // addresses of interfaces only; where it listens says master.cf
    inet_protocols: 'ipv4',
    smtp_bind_address: hosts[0] ?? '127.0.0.1',
    smtpd_peername_lookup: 'no',
    smtpd_relay_restrictions: 'permit_mynetworks, permit_tls_clientcerts, reject_unauth_destination',
    ...nameService(o),
    ...mailboxes(o),
    ...patience,
    ...o.main,
  }
}

function nameService({ nameserver }: PostfixOptions): Record<string, string> {
  return nameserver === undefined
    ? { disable_dns_lookups: 'yes', smtp_host_lookup: 'native' }
    : { smtp_host_lookup: 'dns' }
}

function mailboxes(o: PostfixOptions): Record<string, string> {
  const domains = [...new Set(o.mailboxes.map((address) => address.slice(address.lastIndexOf('@') + 1)))]
  const boxes = o.mailboxes.map((address) => `{ ${address.toLowerCase()} = ${address.toLowerCase()}/ }`)
  return {
    virtual_mailbox_domains: domains.join(', '),
    virtual_mailbox_base: join(o.dir, 'mail'),
    virtual_mailbox_maps: boxes.length === 0 ? '' : `inline:{ ${boxes.join(', ')} }`,
    virtual_uid_maps: `static:${idOf('passwd', 'nobody')}`,
    virtual_gid_maps: `static:${idOf('group', 'nogroup')}`,
    local_recipient_maps: '',
    local_transport: 'error:no local mail',
  }
}

/** A queue for impatient people: what was answered 4xx is tried again within a second or two. */
const patience = {
  queue_run_delay: '1s',
  minimal_backoff_time: '1s',
  maximal_backoff_time: '2s',
  transport_retry_time: '1s',
  in_flow_delay: '0',
  smtp_connect_timeout: '5s',
  notify_classes: '',
  biff: 'no',
  default_process_limit: '20',
}

/** smtp(8) is the one in the chroot: there it finds the resolv.conf of its own. */
function masterCf(o: PostfixOptions): string {
  const inet = o.listen.map(({ host, port, options = {} }) =>
    [`${host}:${port} inet n - n - - smtpd`, ...Object.entries(options).map(([k, v]) => `  -o { ${k} = ${v} }`)].join(
      '\n',
    ),
  )
  const chroot = o.nameserver === undefined ? 'n' : 'y'
  return `${inet.join('\n')}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - ${chroot} - - smtp
relay unix - - ${chroot} - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`
}
