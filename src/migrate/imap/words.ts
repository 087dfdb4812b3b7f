import { cleanText } from '../../mail/reply/reply.ts'
import { MailboxTrouble, type TroubleKind } from '../mailbox/mailbox.ts'
import type { Code, Words } from './response.ts'

/** What a refusal was about: the same words mean different things to a log-in and to a message. */
export type About = 'login' | 'append' | 'folder' | 'message' | 'connection'
export type Refusal = Words & { readonly status: 'NO' | 'BAD' | 'BYE' }

const longestWaitMs = 24 * 60 * 60 * 1000

/** `message` says what was attempted, without its arguments. */
export function troubleOf(refusal: Refusal, about: About, message: string): MailboxTrouble {
  const words = saidBy(refusal)
  const waitMs = backOff(refusal.text)
  const kind = kindOf(refusal, about)
  return new MailboxTrouble(kind, words === '' ? message : `${message}: ${words}`, {
    words,
    ...(waitMs === undefined ? {} : { waitMs }),
  })
}

/** `[ALERT] Mailbox is locked`, safe to show. */
export function saidBy({ code, text }: { readonly code?: Code; readonly text: string }): string {
  const bracketed = code === undefined ? '' : `[${code.name}${code.args === '' ? '' : ` ${code.args}`}]`
  return cleanText([bracketed, text].filter(Boolean).join(' ').trim())
}

/** Without what must not be shown, whoever said it. */
export function redacted({ code, text }: Words, secrets: readonly string[]): Words {
  const clean = (words: string): string => secrets.reduce((all, secret) => all.replaceAll(secret, '***'), words)
  return { text: clean(text), ...(code === undefined ? {} : { code: { ...code, args: clean(code.args) } }) }
}

// Exchange Online: `Request is throttled. Suggested Backoff Time: 299961 milliseconds`.
function backOff(text: string): number | undefined {
  const ms = /Suggested Backoff Time: *(\d{1,12}) *milliseconds/i.exec(text)?.[1]
  return ms === undefined ? undefined : Math.min(Number(ms), longestWaitMs)
}

function kindOf(refusal: Refusal, about: About): TroubleKind {
  for (const { when, says, kind } of texts) {
    if ((when === 'any' || when === about) && says.test(refusal.text)) return kind
  }
  return byCode(refusal.code?.name, about) ?? byStatus(refusal, about)
}

type Text = { readonly when: About | 'any'; readonly says: RegExp; readonly kind: TroubleKind }

/** First match. What real servers say; most say no code, or one that says less than their words. */
const texts: readonly Text[] = [
  // Gmail says `[OVERQUOTA] Account exceeded command or bandwidth limits` and means its speed.
  {
    when: 'any',
    says: /throttl|back-?off time|bandwidth limit|rate limit|too many (?:requests|commands)/i,
    kind: 'throttled',
  },
  { when: 'any', says: /too many .{0,20}connections|maximum number of connections|connection limit/i, kind: 'busy' },
  // QUIRK: Exchange answers the first command after a log-in to a mailbox that it cannot open with `BAD User is authenticated but not connected`.
  { when: 'any', says: /authenticated but not connected/i, kind: 'noMailbox' },
  { when: 'login', says: /imap(?:4)? .{0,30}(?:disabled|not enabled|not allowed)|disabled imap/i, kind: 'noMailbox' },
  // QUIRK: Exchange says `NO Server Unavailable. 15` to APPEND when the mailbox is full.
  { when: 'append', says: /unavailable\. 15\b|quota|mailbox (?:is )?full|not enough (?:disk )?space/i, kind: 'full' },
  { when: 'folder', says: /over ?quota|quota exceeded/i, kind: 'full' },
  { when: 'append', says: /line.{0,20}too long|too long.{0,10}line/i, kind: 'lineTooLong' },
  {
    when: 'append',
    says: /maximum size|(?:message|size|literal).{0,30}(?:too (?:large|big|long)|exceed)|too (?:large|big)/i,
    kind: 'tooLarge',
  },
  { when: 'any', says: /server unavailable|service (?:is )?(?:temporarily )?unavailable/i, kind: 'busy' },
  { when: 'login', says: /temporar|try again|internal error|timed? ?out/i, kind: 'busy' },
]

/** RFC 5530, RFC 9051 section 7.1, RFC 7889. */
function byCode(code: string | undefined, about: About): TroubleKind | undefined {
  switch (code) {
    case 'UNAVAILABLE':
    case 'INUSE':
    case 'SERVERBUG':
      return 'busy'
    // Gmail.
    case 'THROTTLED':
      return 'throttled'
    case 'LIMIT':
      return about === 'login' || about === 'connection' ? 'busy' : 'refused'
    case 'AUTHENTICATIONFAILED':
    case 'EXPIRED':
      return 'login'
    case 'AUTHORIZATIONFAILED':
    case 'CONTACTADMIN':
      return 'noMailbox'
    case 'NOPERM':
      return about === 'login' ? 'noMailbox' : 'refused'
    case 'PRIVACYREQUIRED':
      return 'tls'
    case 'OVERQUOTA':
      return 'full'
    case 'TOOBIG':
      return 'tooLarge'
    case 'TRYCREATE':
    case 'NONEXISTENT':
    case 'EXPUNGEISSUED':
      return 'changed'
    default:
      return undefined
  }
}

function byStatus({ status, text }: Refusal, about: About): TroubleKind {
  if (status === 'BYE') return about === 'login' ? 'busy' : 'unreachable'
  if (about === 'login') return 'login'
  if (about === 'folder' && /not exist|n't exist|not found|no such|unknown (?:mailbox|folder)/i.test(text))
    return 'changed'
  return 'refused'
}
