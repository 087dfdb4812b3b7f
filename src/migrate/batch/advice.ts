/** What went wrong, as an operator reads it: which row, which server, what the server said, what to try. */
import type { MailboxTrouble, TroubleKind } from '../mailbox/mailbox.ts'
import { type Server, type Side, serverName } from './settings.ts'
import type { Trouble } from './tables.ts'

export type About = {
  /** '' where it is not known which of the two it was. */
  readonly side: Side | ''
  readonly server: Server | undefined
  readonly batch: string
  readonly row: number
  readonly email: string
  /** User names that were tried. */
  readonly tried: readonly string[]
}

export function troubleOf(trouble: MailboxTrouble, about: About): Trouble {
  const { side, server } = about
  return {
    kind: trouble.kind,
    side,
    server: server === undefined ? '' : serverName(server),
    what: whatOf(trouble, about),
    words: trouble.words,
    remedy: remedyOf(trouble.kind, about),
  }
}

function whatOf({ kind, message }: MailboxTrouble, { tried }: About): string {
  if (kind !== 'login' || tried.length === 0) return message
  return `the log-in was refused as ${tried.map((name) => JSON.stringify(name)).join(', and as ')}`
}

const isExchange = (server: Server | undefined): boolean => /\b(?:outlook|office365)\.com$/i.test(server?.host ?? '')

function remedyOf(kind: TroubleKind, about: About): string {
  const { side, batch } = about
  const where = side === '' ? 'server' : side
  switch (kind) {
    case 'login':
      return loginRemedy(about)
    case 'noMailbox':
      return isExchange(about.server)
        ? `at Exchange Online: does ${about.email} have a licence and IMAP enabled, and does the app have full access (Add-MailboxPermission, with the object ID of the enterprise application)? Then: causeway migrate retry ${batch}`
        : `has the account a mailbox at the ${where}, and may it use IMAP? Then: causeway migrate retry ${batch}`
    case 'unreachable':
      return `does the ${where} answer at ${about.server === undefined ? 'that address' : serverName(about.server)} from this machine? It is tried again by itself`
    case 'tls':
      return `look at the certificate of the ${where} (openssl s_client); a private authority is named with --${where}-ca, and STARTTLS with --${where}-security starttls`
    case 'throttled':
    case 'busy':
      return 'nothing: it goes on by itself, slower'
    case 'full':
      return `make room in the mailbox of ${about.email} at the target, or give it a larger quota; then: causeway migrate retry ${batch}`
    case 'stalled':
      return `the ${where} stopped answering; it is tried again by itself`
    case 'hostile':
      return `the ${where} answers in a way that no mail server should; look at its log. Tried again with: causeway migrate retry ${batch}`
    case 'changed':
      return 'nothing: the folder is looked at anew'
    case 'unsupported':
      return `the ${where} lacks something that is needed; see what it said`
    case 'tooLarge':
    case 'refused':
    case 'lineTooLong':
      return `causeway migrate show ${batch} ${about.email} lists what was left out`
    case 'stopped':
      return `causeway migrate resume ${batch}`
  }
}

function loginRemedy({ server, side, row, batch, email }: About): string {
  const retry = `causeway migrate retry ${batch}`
  switch (server?.login.kind) {
    case 'oauth':
      return `is ${email} the user name there, is the app consented to (IMAP.AccessAsApp), and is its service principal registered in Exchange (New-ServicePrincipal)? Then: ${retry}`
    case 'admin':
      return `are name and password of the admin right (causeway secret set), and may it open the mailbox of row ${row}? The form can be given with --${side}-admin-form. Then: ${retry}`
    case 'password':
    case undefined:
      return `correct ${side === 'target' ? 'TargetUserName or TargetPassword' : 'UserName or Password'} in row ${row} of the CSV file, then: ${retry} --csv FILE`
  }
}

/** One sentence for the reason of a state. */
export function troubleText({ side, server, what, words }: Trouble): string {
  const where = side === '' ? '' : `${side} ${server}: `
  return words === '' || what.includes(words) ? `${where}${what}` : `${where}${what}: "${words}"`
}
