import type { Connection } from './connection.ts'
import { decodeFolderName, encodeFolderName } from './folder-name.ts'
import type { Data } from './response.ts'
import { Scanner, type Value } from './scanner.ts'

/** What stands before the names of the person's own folders (RFC 2342), and what is somebody else's. */
export type NameSpace = {
  /** For LIST. */
  readonly pattern: string
  /** undefined: not one of the person's folders. */
  pathOf(id: string, delimiter: string): readonly string[] | undefined
  /** The name of a folder that may be made. */
  idOf(path: readonly string[]): string
}

type Told = { readonly own: readonly Prefix[]; readonly others: readonly Prefix[] }
type Prefix = { readonly prefix: string; readonly delimiter: string }

/** With NAMESPACE, or what `LIST "" ""` tells: the delimiter (RFC 9051 section 6.3.9). */
export async function askNameSpace(
  connection: Connection,
  o: { readonly has: (capability: string) => boolean; readonly userRoot: string | undefined; readonly isUtf8: boolean },
): Promise<NameSpace> {
  const told = o.has('NAMESPACE') || o.has('IMAP4REV2') ? await askTold(connection) : undefined
  const own = told?.own[0] ?? { prefix: '', delimiter: await askDelimiter(connection) }
  const text = o.isUtf8 ? utf8 : utf7
  return o.userRoot === undefined
    ? ownSpace(own, told?.others ?? [], text)
    : rootedSpace(o.userRoot, own.delimiter, text)
}

async function askTold(connection: Connection): Promise<Told> {
  let told: Told = { own: [], others: [] }
  const take = (data: Data): boolean => {
    if (data.name !== 'NAMESPACE') return false
    const scanner = new Scanner(data.frame, data.at, connection.limits)
    const [own, others, shared] = [prefixes(scanner.value()), prefixes(scanner.value()), prefixes(scanner.value())]
    told = { own, others: [...others, ...shared] }
    return true
  }
  await connection.run({ what: 'NAMESPACE', about: 'folder', pieces: ['NAMESPACE'], take })
  return told
}

/** `(("INBOX." ".")("#mh/" "/" "X-PARAM" ("a")))` */
function prefixes(value: Value): Prefix[] {
  if (!isList(value)) return []
  return value.flatMap((one) => {
    const [prefix, delimiter] = isList(one) ? one : []
    return typeof prefix === 'string' ? [{ prefix, delimiter: typeof delimiter === 'string' ? delimiter : '' }] : []
  })
}

function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value)
}

async function askDelimiter(connection: Connection): Promise<string> {
  let delimiter = ''
  const take = (data: Data): boolean => {
    if (data.name !== 'LIST') return false
    const scanner = new Scanner(data.frame, data.at, connection.limits)
    scanner.value()
    const told = scanner.value()
    if (typeof told === 'string' && told.length === 1) delimiter = told
    return true
  }
  await connection.run({ what: 'the list of folders', about: 'folder', pieces: ['LIST "" ""'], take })
  return delimiter
}

type Text = { readonly encode: (name: string) => string; readonly decode: (wire: string) => string }

const utf7: Text = { encode: encodeFolderName, decode: decodeFolderName }
const utf8: Text = {
  encode: (name) => Buffer.from(name, 'utf8').toString('latin1'),
  decode: (wire) =>
    Buffer.from(wire, 'latin1')
      .toString('utf8')
      .replace(/\p{Cc}/gu, '\ufffd'),
}

function ownSpace({ prefix, delimiter }: Prefix, others: readonly Prefix[], text: Text): NameSpace {
  const foreign = others.map((other) => other.prefix).filter((other) => other !== '' && other !== prefix)
  return {
    pattern: '*',
    pathOf(id, told) {
      if (foreign.some((other) => id.startsWith(other) || `${id}${told}` === other)) return undefined
      const inner = id.length > prefix.length && id.startsWith(prefix) ? id.slice(prefix.length) : id
      // A folder of that name below the prefix is not INBOX.
      return split(/^INBOX$/i.test(inner) ? id : inner, told, text)
    },
    idOf: (path) =>
      isInbox(path) ? 'INBOX' : prefix + path.map((part) => partOf(part, delimiter, text)).join(delimiter),
  }
}

/** The root itself is where the person's mail arrives. */
function rootedSpace(userRoot: string, delimiter: string, text: Text): NameSpace {
  const parts = userRoot.split('/').filter(Boolean)
  const root = parts.map((part) => text.encode(part)).join(delimiter)
  const inside = `${root}${delimiter}`
  return {
    pattern: `${root}*`,
    pathOf(id, told) {
      if (id === root) return ['INBOX']
      return id.startsWith(inside) ? split(id.slice(inside.length), told, text) : undefined
    },
    idOf: (path) => (isInbox(path) ? root : inside + path.map((part) => partOf(part, delimiter, text)).join(delimiter)),
  }
}

function isInbox(path: readonly string[]): boolean {
  return path.length === 1 && path[0]?.toUpperCase() === 'INBOX'
}

/** INBOX is INBOX in any case, also as the first part (RFC 9051 section 5.1). */
function split(name: string, delimiter: string, { decode }: Text): readonly string[] {
  const parts = (delimiter === '' ? [name] : name.split(delimiter)).map((part) => decode(part))
  const [first = '', ...rest] = parts
  return [first.toUpperCase() === 'INBOX' ? 'INBOX' : first, ...rest]
}

/** A part must not fall into two, nor be nothing, nor hold what no name may: whoever asked sees in the answer what became of it. */
function partOf(part: string, delimiter: string, { encode }: Text): string {
  const safe = part.replace(/\p{Cc}/gu, '_')
  const whole = delimiter === '' ? safe : safe.replaceAll(delimiter, '_')
  return encode(whole === '' ? '_' : whole)
}
