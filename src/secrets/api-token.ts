/** The token of the API. The gateway keeps a digest of it; who holds the token itself is up to the operator (docs/decisions/api-token.md). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { createPrivate, readPrivate, reason, removePrivate, replacePrivate } from './private-file.ts'

/** Where the digest is kept; `store/` has it. */
export type TokenDigests = {
  get(): Uint8Array | undefined
  set(digest: Uint8Array): void
}

export type ApiToken =
  /** As often as it is asked it looks at the digest that is kept then: a new token counts at once. */
  | { readonly ok: true; readonly isToken: (presented: string) => boolean }
  | { readonly ok: false; readonly why: string; readonly remedy: string }

const tokenForm = /^[A-Za-z0-9_-]{43}$/
const fileOf = (dataDir: string): string => join(dataDir, 'api.token')
/** 256 random bits need neither salt nor stretching. */
const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest()
const randomToken = (): string => randomBytes(32).toString('base64url')

/**
 * At the start of the gateway. The first one makes a token and leaves it in `api.token`; a token that lies there from before
 * digests were kept goes on to count. Later starts make none: a file that is gone was taken away by somebody.
 */
export function openToken(dataDir: string, digests: TokenDigests): ApiToken {
  const file = fileOf(dataDir)
  const found = readPrivate(file)
  // Others may have read it already: closing the file now would not make it secret again.
  if (found.kind === 'found' && found.isOpenToOthers)
    return {
      ok: false,
      why: `${file} can be read by other users`,
      remedy: 'causeway token new; or chmod 600 if nobody else can have read it',
    }
  if (digests.get() === undefined) {
    const first = firstToken(file, found)
    if (!first.ok) return first
    digests.set(digestOf(first.token))
  }
  return { ok: true, isToken: (presented) => isKept(digests, presented) }
}

/** Digests are compared, in constant time, so that the time tells nothing of the token. */
function isKept(digests: TokenDigests, presented: string): boolean {
  const kept = digests.get()
  const given = digestOf(presented)
  return kept?.length === given.length && timingSafeEqual(given, kept)
}

type First = { readonly ok: true; readonly token: string } | Extract<ApiToken, { ok: false }>

function firstToken(file: string, found: ReturnType<typeof readPrivate>): First {
  if (found.kind === 'unreadable')
    return { ok: false, why: `cannot read ${file}: ${found.why}`, remedy: 'run as the owner of the data folder' }
  try {
    const made = randomToken()
    if (found.kind === 'absent' && createPrivate(file, `${made}\n`)) return { ok: true, token: made }
  } catch (error) {
    return { ok: false, why: `cannot write ${file}: ${reason(error)}`, remedy: 'make the data folder writable' }
  }
  const token = found.kind === 'found' ? found.bytes.toString('latin1').trim() : ''
  return tokenForm.test(token)
    ? { ok: true, token }
    : { ok: false, why: `${file} does not hold a token`, remedy: 'remove it, a new one is made' }
}

/**
 * Another token, from now on the only one. It stands in `api.token`, or with `isFileKept` false nowhere: the caller alone has it.
 * Killed in between, the file holds one that counts no more: then it is made once again.
 */
export function newToken(dataDir: string, digests: TokenDigests, o: { readonly isFileKept: boolean }): string {
  const token = randomToken()
  digests.set(digestOf(token))
  if (o.isFileKept) replacePrivate(fileOf(dataDir), `${token}\n`)
  else removePrivate(fileOf(dataDir))
  return token
}
