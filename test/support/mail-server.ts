/** Postfix in the parts that scenarios need: a tenant behind the gateway, and a server of the outside. */
import { join } from 'node:path'
import { type Postfix, startPostfix } from './postfix.ts'
import type { Certified, Scenario } from './scenario.ts'

export type TenantOptions = {
  readonly name: string
  readonly mailboxes: readonly string[]
  /** The certificate that the gateway presents; who has it may relay. */
  readonly gateway?: Certified
  /** Where its outbound mail goes; the gateway unless told otherwise. */
  readonly relayhost?: string
  /** Offered to the gateway as if these extensions did not exist. */
  readonly without?: string
  readonly main?: Readonly<Record<string, string>>
}

/** Port for its own users, who may send anything. */
export const submission = 587

/** A tenant at `name`: TLS with certificates on both sides, all mail for others goes to the gateway. */
export function startTenant(s: Scenario, o: TenantOptions): Promise<Postfix> {
  const host = s.host(o.name)
  const own = s.certify(o.name, `mail.${o.name}.example`)
  const relayhost = o.relayhost ?? `[${s.host('gateway')}]:25`
  const hidden: Record<string, string> =
    o.without === undefined ? {} : { smtpd_discard_ehlo_keywords: `${o.without}, silent-discard` }
  const main = {
    ...serverTls(s, own),
    relayhost,
    relay_clientcerts: o.gateway === undefined ? '' : `inline:{ { ${o.gateway.fingerprint} = gateway } }`,
    smtp_tls_CAfile: join(s.dir, 'ca.pem'),
    smtp_tls_chain_files: own.both,
    smtp_tls_policy_maps: `inline:{ { [${s.host('gateway')}]:25 = secure match=gw.example.net } }`,
    ...o.main,
  }
  const users = { host, port: submission, options: { mynetworks: '127.0.0.0/8' } }
  return s.keep(
    startPostfix({
      dir: join(s.dir, o.name),
      hostname: `mail.${o.name}.example`,
      listen: [{ host, port: 25, options: hidden }, users],
      mailboxes: o.mailboxes,
      main,
    }),
  )
}

const serverTls = (s: Scenario, own: Certified): Record<string, string> => ({
  smtpd_tls_chain_files: own.both,
  smtpd_tls_security_level: 'may',
  smtpd_tls_CAfile: join(s.dir, 'ca.pem'),
  smtpd_tls_ask_ccert: 'yes',
  smtpd_tls_fingerprint_digest: 'sha256',
})

export type OutsideOptions = {
  readonly name?: string
  readonly mailboxes: readonly string[]
  readonly nameserver?: string
  readonly milter?: string
  /** The milter sees what its own users send, too. */
  readonly signs?: true
  readonly main?: Readonly<Record<string, string>>
}

/** A server of the outside: takes mail for its mailboxes from anybody, and sends by MX where it has a name server. */
export function startOutside(s: Scenario, o: OutsideOptions): Promise<Postfix> {
  const name = o.name ?? 'outside'
  const host = s.host(name)
  const milter: Record<string, string> =
    o.milter === undefined ? {} : { smtpd_milters: o.milter, milter_default_action: 'tempfail' }
  const unsigned: Record<string, string> = o.signs === true ? {} : { smtpd_milters: '' }
  const users = { host, port: submission, options: { mynetworks: '127.0.0.0/8', ...unsigned } }
  return s.keep(
    startPostfix({
      dir: join(s.dir, name),
      hostname: `mx.${name}.example`,
      listen: [{ host, port: 25 }, users],
      mailboxes: o.mailboxes,
      ...(o.nameserver === undefined ? {} : { nameserver: o.nameserver }),
      main: { smtp_tls_security_level: 'may', ...milter, ...o.main },
    }),
  )
}
