/** What opening a server needs beside the row: an admin's password or an app's tokens. They lie in the vault of the main thread. */
import { type Credential, makeTokens, type Tokens } from '../../tenants/entra/entra.ts'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './login-forms.ts'
import type { Server, ServerLogin } from './settings.ts'

type OAuth = Extract<ServerLogin, { readonly kind: 'oauth' }>

/** Asked for each connection, so that a secret that was set anew counts at once. */
export function serverKeys(ground: Pick<Ground, 'now' | 'secret'>): (server: Server) => Promise<Keys> {
  const apps = new Map<string, Tokens>()
  return async ({ login }) => {
    switch (login.kind) {
      case 'password':
        return {}
      case 'admin':
        return { adminPassword: (await secretOf(ground, login.password)).toString('utf8').replace(/\r?\n$/, '') }
      case 'oauth': {
        const key = JSON.stringify(login)
        const tokens = apps.get(key) ?? tokensOf(ground, login)
        apps.set(key, tokens)
        return { token: () => tokenFrom(tokens) }
      }
    }
  }
}

async function tokenFrom(tokens: Tokens): Promise<string> {
  const answer = await tokens.token()
  if (answer.ok) return answer.token
  throw new MailboxTrouble(answer.mayPass ? 'unreachable' : 'login', answer.why, {
    ...(answer.waitMs === undefined ? {} : { waitMs: answer.waitMs }),
  })
}

function tokensOf(ground: Pick<Ground, 'now' | 'secret'>, login: OAuth): Tokens {
  const { authority, tenant, clientId, scope } = login
  const credential = async (): Promise<Credential> => {
    if (login.certificate !== undefined)
      return { kind: 'certificate', pem: (await secretOf(ground, login.certificate)).toString('latin1') }
    const secret = await secretOf(ground, login.secret ?? '')
    return { kind: 'secret', secret: secret.toString('utf8').trim() }
  }
  return makeTokens({ authority, tenant, clientId, scope, credential, now: ground.now })
}

async function secretOf(ground: Pick<Ground, 'secret'>, place: string): Promise<Buffer> {
  const name = place.replace(/^vault:/, '')
  const answer = await ground.secret(name)
  if (answer.kind === 'found') return answer.value
  const why = answer.kind === 'absent' ? `there is no secret ${name}: causeway secret set ${name}` : answer.why
  throw new MailboxTrouble('login', why)
}
