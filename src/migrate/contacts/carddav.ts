/** Contacts into an address book of a CardDAV server (RFC 6352): one resource for each, named by its UID. */
import { createAccount, createVCard, type DAVAddressBook, fetchAddressBooks } from 'tsdav'
import type { Contact } from './contact.ts'
import { uidOf, vcardOf } from './write-vcard.ts'

export type CardDavTarget = {
  /** Of the server or of an address book; https, or http on this machine. */
  readonly url: string
  readonly user: string
  readonly password: string
  /** Name or URL of the address book, when there are several. */
  readonly book?: string | undefined
}

export type CardDavOutcome =
  | {
      readonly ok: true
      readonly book: string
      readonly created: number
      /** From an earlier time: the same contact in every point. */
      readonly there: number
      readonly failed: readonly { readonly name: string; readonly why: string }[]
    }
  | { readonly ok: false; readonly why: string; readonly remedy: string }

type Fetch = typeof globalThis.fetch

/** A contact that is there already is left as it is, so that this may be done again after it was cut off. */
export async function putContacts(target: CardDavTarget, contacts: readonly Contact[]): Promise<CardDavOutcome> {
  const url = safeUrl(target.url)
  if (url === undefined)
    return { ok: false, why: `${target.url} is no https address`, remedy: 'http is taken for this machine only' }
  const headers = { authorization: `Basic ${Buffer.from(`${target.user}:${target.password}`).toString('base64')}` }
  const fetch = fetchAt(url)
  try {
    const books = await booksAt(url, target, headers, fetch)
    const book = choose(books, target.book)
    if ('why' in book) return { ok: false, ...book }
    return await putAll(book, contacts, headers, fetch)
  } catch (error) {
    const why = `${url.host}: ${error instanceof Error ? reasonOf(error) : String(error)}`
    return { ok: false, why, remedy: 'check the address, the user and the password' }
  }
}

/** The password must not travel in the clear. */
function safeUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHere = url !== undefined && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  return url?.protocol === 'https:' || (isHere && url?.protocol === 'http:') ? url : undefined
}

const requestMs = 30_000

/** A server may send us on, but nobody else gets the password. */
function fetchAt(home: URL): Fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (url.origin !== home.origin) throw new Error(`it sends us on to ${url.origin}; give that address if it is right`)
    return globalThis.fetch(input, { ...init, signal: AbortSignal.timeout(requestMs) })
  }
}

async function booksAt(
  url: URL,
  { user, password }: CardDavTarget,
  headers: Record<string, string>,
  fetch: Fetch,
): Promise<readonly DAVAddressBook[]> {
  const credentials = { username: user, password }
  const account = await createAccount({
    account: { serverUrl: url.href, accountType: 'carddav', credentials },
    headers,
    fetch,
  })
  return fetchAddressBooks({ account, headers, fetch })
}

const nameOf = (book: DAVAddressBook): string => (typeof book.displayName === 'string' ? book.displayName : book.url)

function choose(
  books: readonly DAVAddressBook[],
  wanted: string | undefined,
): DAVAddressBook | { readonly why: string; readonly remedy: string } {
  const names = books.map(nameOf).join(', ')
  if (wanted === undefined) {
    const [only, ...others] = books
    if (only === undefined) return { why: 'the server has no address book for this user', remedy: 'make one there' }
    return others.length === 0
      ? only
      : { why: `there are several address books: ${names}`, remedy: 'name one with --book' }
  }
  const found = books.find((book) => nameOf(book) === wanted || book.url === wanted)
  return found ?? { why: `there is no address book ${wanted}`, remedy: `there are: ${names}` }
}

async function putAll(
  book: DAVAddressBook,
  contacts: readonly Contact[],
  headers: Record<string, string>,
  fetch: Fetch,
): Promise<CardDavOutcome> {
  const counts = { created: 0, there: 0 }
  const failed: { name: string; why: string }[] = []
  for (const contact of contacts) {
    const filename = `${uidOf(contact)}.vcf`
    // tsdav adds `If-None-Match: *`: a resource of that name is never written over.
    const answer = await createVCard({ addressBook: book, vCardString: vcardOf(contact), filename, headers, fetch })
    if (answer.ok) counts.created += 1
    else if (answer.status === 412) counts.there += 1
    else failed.push({ name: contact.displayName, why: `the server answered ${answer.status} ${answer.statusText}` })
  }
  return { ok: true, book: nameOf(book), ...counts, failed }
}

const reasonOf = (error: Error): string =>
  error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
