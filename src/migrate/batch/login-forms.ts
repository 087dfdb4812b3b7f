/**
 * The ways in which a server may want to be told whose mailbox is meant. Which one works is found out by trying, the likeliest first;
 * tries are few, because servers lock accounts (docs/moving.md).
 *
 * Source of the admin forms: "CSV files for IMAP migration batches", Microsoft; Dovecot, `auth_master_user_separator`; RFC 4616.
 */
import type { Login } from '../imap/imap.ts'
import type { RowSecret } from './seal.ts'
import type { Server, ServerLogin, Side } from './settings.ts'
import type { MailboxRow } from './tables.ts'

export type Candidate = {
  /** What is remembered of it: 'asGiven', 'dovecot' ... */
  readonly form: string
  /** What was sent as user name, for people. */
  readonly shown: string
  readonly login: Login
  /** Only what is below this folder. */
  readonly root?: string
}

/** What a log-in needs beside the row: the password of the admin, or the tokens of the app. */
export type Keys = { readonly adminPassword?: string; readonly token?: () => Promise<string> }

type Row = Pick<MailboxRow, 'email' | 'userName' | 'userRoot' | 'targetUserName' | 'targetRoot'>

/** More than this are never tried for one mailbox. */
export const mostTries = 3

export function candidates(
  server: Pick<Server, 'login'>,
  side: Side,
  row: Row,
  secret: RowSecret,
  keys: Keys,
): readonly Candidate[] {
  const user = side === 'source' ? row.userName : row.targetUserName || row.email
  const root = side === 'source' ? row.userRoot : ''
  const withRoot = root === '' ? {} : { root }
  switch (server.login.kind) {
    case 'password':
      return names(user, row.email).map(({ form, name }) => ({
        form,
        shown: name,
        login: {
          kind: 'password',
          user: name,
          password: side === 'source' ? secret.password : secret.targetPassword,
        },
        ...withRoot,
      }))
    case 'admin':
      return adminCandidates(server.login, user, root, row.email, keys.adminPassword ?? '')
    case 'oauth': {
      const { mechanism } = server.login
      const { token = noToken } = keys
      return [{ form: 'oauth', shown: user, login: { kind: 'token', user, mechanism, token }, ...withRoot }]
    }
  }
}

const noToken = (): Promise<string> => Promise.reject(new Error('there is no source of tokens'))

/** "Some providers require the email address in the UserName field, and some the short user name." */
function names(user: string, email: string): readonly { readonly form: string; readonly name: string }[] {
  const given = { form: 'asGiven', name: user }
  const domain = email.slice(email.lastIndexOf('@') + 1)
  // What has a separator in it is a form of its own: Domain/Admin/User, User*Admin, #user@domain#Admin#.
  if (/[/*#]/.test(user)) return [given]
  const inDomain = /^[^\\]+\\(.+)$/.exec(user)?.[1]
  if (inDomain !== undefined) return [given, { form: 'withoutDomain', name: inDomain }]
  const at = user.lastIndexOf('@')
  if (at > 0) return [given, { form: 'short', name: user.slice(0, at) }]
  return [given, { form: 'withDomain', name: `${user}@${domain}` }]
}

type AdminLogin = Extract<ServerLogin, { readonly kind: 'admin' }>

const asPassword = (user: string, password: string): Login => ({ kind: 'password', user, password })

function adminCandidates(
  login: AdminLogin,
  user: string,
  root: string,
  email: string,
  password: string,
): readonly Candidate[] {
  const withRoot = root === '' ? {} : { root }
  const sasl: Candidate = {
    form: 'sasl',
    shown: `${login.user} for ${user}`,
    login: { kind: 'password', user: login.user, password, authzid: user },
    ...withRoot,
  }
  const named = (form: string, name: string): Candidate => ({
    form,
    shown: name,
    login: asPassword(name, password),
    ...withRoot,
  })
  const dovecot = named('dovecot', `${user}${login.separator}${login.user}`)
  switch (login.form) {
    case 'sasl':
      return [sasl]
    case 'dovecot':
      return [dovecot]
    case 'exchange':
      return [named('exchange', `${login.domain ?? ''}/${login.user}/${user}`)]
    case 'mirapoint':
      return [named('mirapoint', `#${user.includes('@') ? user : `${user}@${domainOf(email)}`}#${login.user}#`)]
    case 'courier':
      return [
        {
          form: 'courier',
          shown: login.user,
          login: asPassword(login.user, password),
          root: rootOf(login, user, root),
        },
      ]
    case 'auto':
      return [
        sasl,
        dovecot,
        ...(login.domain === undefined ? [] : [named('exchange', `${login.domain}/${login.user}/${user}`)]),
      ]
  }
}

const domainOf = (email: string): string => email.slice(email.lastIndexOf('@') + 1)

/** Courier has no master user: an account to which all folders are shared sees each mailbox below a root. */
function rootOf(login: AdminLogin, user: string, root: string): string {
  return root === '' ? (login.root ?? '/users/{user}').replaceAll('{user}', () => user) : root
}

/** The likeliest first: what worked for this mailbox, what worked for others of the batch, the rest. */
/** A form and for how many mailboxes of the batch it worked. */
export type Proven = { readonly form: string; readonly worked: number }

/** Successes of one form after which others are not tried any more. */
const sureAfter = 3

export function inOrder(all: readonly Candidate[], own: string, proven: readonly Proven[]): readonly Candidate[] {
  const known = all.find(({ form }) => form === own)
  if (known !== undefined) return [known]
  const rank = ({ form }: Candidate): number => {
    const place = proven.findIndex((one) => one.form === form)
    return place === -1 ? proven.length : place
  }
  const order = all.toSorted((a, b) => rank(a) - rank(b))
  // Where one form is what this server wants, a refusal is about the password: another form would only bring the lock nearer.
  const isSure = (proven[0]?.worked ?? 0) >= sureAfter && order[0]?.form === proven[0]?.form
  return order.slice(0, isSure ? 1 : mostTries)
}
