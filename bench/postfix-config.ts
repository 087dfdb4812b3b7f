/** Configuration of Postfix and OpenDKIM. What is not said here is as Debian has it. */
import { selector } from './keys.ts'
import { outerDomain } from './letter.ts'

export type PostfixPlaces = {
  readonly dir: string
  readonly configDir: string
  readonly queueDir: string
  readonly dataDir: string
  readonly table: string
  /** OpenDKIM's socket. A Unix socket: by TCP a single connection waits 40 ms for delayed acknowledgements, twice. */
  readonly milter: string
  /** PEM files for STARTTLS on both sides. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | undefined
}

export function mainCf(at: PostfixPlaces): string {
  const base = `compatibility_level = 3.6
queue_directory = ${at.queueDir}
data_directory = ${at.dataDir}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${at.dir}/mail.log
maillog_file_prefixes = ${at.dir}
myhostname = relay.${outerDomain}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
local_header_rewrite_clients = static:all
canonical_maps = ${at.table}:${at.configDir}/canonical
transport_maps = ${at.table}:${at.configDir}/transport
message_size_limit = 52428800
default_process_limit = 150
smtpd_client_connection_count_limit = 0
default_destination_concurrency_limit = 50
disable_dns_lookups = yes
smtp_host_lookup = native
biff = no
smtpd_milters = unix:${at.milter}
milter_default_action = tempfail
`
  if (at.tls === undefined) return base
  return `${base}smtpd_tls_security_level = may
smtpd_tls_cert_file = ${at.tls.cert}
smtpd_tls_key_file = ${at.tls.key}
smtp_tls_security_level = encrypt
smtp_tls_CAfile = ${at.tls.ca}
`
}

/** Only the services that a relay needs. */
export const masterCf = (port: number): string => `127.0.0.1:${port} inet n - n - - smtpd
cleanup    unix       n - n -     0 cleanup
qmgr       unix       n - n 300   1 qmgr
tlsmgr     unix       - - n 1000? 1 tlsmgr
rewrite    unix       - - n -     - trivial-rewrite
bounce     unix       - - n -     0 bounce
defer      unix       - - n -     0 bounce
trace      unix       - - n -     0 bounce
verify     unix       - - n -     1 verify
flush      unix       n - n 1000? 0 flush
proxymap   unix       - - n -     - proxymap
proxywrite unix       - - n -     1 proxymap
pickup     unix       n - n 60    1 pickup
smtp       unix       - - n -     - smtp
relay      unix       - - n -     - smtp
showq      unix       n - n -     - showq
error      unix       - - n -     - error
retry      unix       - - n -     - error
discard    unix       - - n -     - discard
anvil      unix       - - n -     1 anvil
scache     unix       - - n -     1 scache
postlog    unix-dgram n - n -     1 postlogd
tlsproxy   unix       - - n -     0 tlsproxy
`

/** The files of OpenDKIM by name. */
export const opendkimConf = (dir: string, socket: string): { readonly [name: string]: string } => ({
  keytable: `k ${outerDomain}:${selector}:${dir}/key\n`,
  signing: `*@${outerDomain} k\n`,
  'opendkim.conf': `Mode s
Socket local:${socket}
UMask 000
UserID opendkim
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
KeyTable ${dir}/keytable
SigningTable refile:${dir}/signing
InternalHosts 127.0.0.0/8
OversignHeaders From
RequireSafeKeys no
Syslog no
`,
})
