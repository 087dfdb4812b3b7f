/**
 * Mailboxes as people have them, written straight into Maildirs: folders with names in several scripts, flags and keywords, dates,
 * true duplicates, messages without Message-ID, and the odd ones that no client writes and every old mailbox holds.
 */
import { chownSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type CorpusOptions = {
  /** The Maildir to make. */
  readonly maildir: string
  readonly messages: number
  /** Another one makes other messages. */
  readonly seed: number
  /** Largest of the usual messages, in bytes; 200,000 when absent, as in the benchmark of the peers. */
  readonly largest?: number
  /** Odd messages among them; default true. */
  readonly odd?: boolean
}

export type Corpus = { readonly messages: number; readonly bytes: number }

/** Share of the messages, by folder: modified UTF-7 with a dot between levels, as Maildir++ has them. */
const folders: readonly (readonly [name: string, share: number])[] = [
  ['', 0.4],
  ['Sent', 0.15],
  ['Archive', 0.1],
  ['Archive.2024', 0.1],
  ['Archive.2024.Q1', 0.05],
  ['Pr&APw-fungen', 0.05],
  ['Kunden.M&APw-ller &- S&APY-hne', 0.05],
  ['&ZeVnLIqe-', 0.03],
  ['Projekte.A.B.C.D', 0.04],
  ['Drafts', 0.01],
  ['Trash', 0.02],
]
/** Nothing lies in them, and they are there. */
const emptyFolders = ['Leer', 'Projekte.Quote " and \\ back', 'Projekte.50%*']
const keywords = ['$Label1', 'Projekt', '$Forwarded']
const owner = 65534

export function makeMailbox(o: CorpusOptions): Corpus {
  const random = generator(o.seed)
  const made = { messages: 0, bytes: 0 }
  for (const [name, share] of [...folders, ...emptyFolders.map((empty) => [empty, 0] as const)]) {
    const folder = join(o.maildir, name === '' ? '' : `.${name}`)
    makeFolder(folder, name !== '')
    const count = share === 0 ? 0 : Math.max(1, Math.round(o.messages * share))
    for (let i = 0; i < count; i += 1) {
      const content = usual(random, o.seed, made.messages, o.largest ?? 200_000)
      deliver(folder, content, random, made)
      // Somebody copied it: two messages that are equal in every byte are still two.
      if (random() < 0.01) deliver(folder, content, random, made)
    }
    if (name === '' && o.odd !== false) for (const content of oddMessages()) deliver(folder, content, random, made)
  }
  const subscribed = folders.filter(([name]) => name !== '' && name !== 'Archive.2024').map(([name]) => name)
  write(join(o.maildir, 'subscriptions'), Buffer.from(`${subscribed.join('\n')}\n`))
  return made
}

function makeFolder(folder: string, isSubfolder: boolean): void {
  for (const part of ['cur', 'new', 'tmp']) {
    mkdirSync(join(folder, part), { recursive: true })
    chownSync(join(folder, part), owner, owner)
  }
  chownSync(folder, owner, owner)
  chownSync(join(folder, '..'), owner, owner)
  if (isSubfolder) write(join(folder, 'maildirfolder'), Buffer.alloc(0))
  write(join(folder, 'dovecot-keywords'), Buffer.from(keywords.map((word, i) => `${i} ${word}\n`).join('')))
}

function deliver(
  folder: string,
  content: Buffer,
  random: () => number,
  made: { messages: number; bytes: number },
): void {
  const at = 1_400_000_000 + Math.floor(random() * 350_000_000)
  made.messages += 1
  made.bytes += content.length
  const name = `${at}.M${made.messages}.corpus,S=${content.length}:2,${flagsOf(random)}`
  const file = join(folder, 'cur', name)
  write(file, content)
  utimesSync(file, at, at)
}

/** Maildir's letters, in the order it wants: Draft, Flagged, Replied, Seen, Trashed; then keywords. */
function flagsOf(random: () => number): string {
  const shares = [
    ['D', 0.01],
    ['F', 0.05],
    ['R', 0.2],
    ['S', 0.8],
    ['T', 0.01],
    ['a', 0.05],
    ['c', 0.03],
  ] as const
  return shares
    .filter(([, share]) => random() < share)
    .map(([letter]) => letter)
    .join('')
}

function usual(random: () => number, seed: number, number: number, largest: number): Buffer {
  const dice = random()
  const [from, to] = dice < 0.55 ? [2e3, 1e4] : dice < 0.85 ? [1e4, 6e4] : [6e4, 2e5]
  const size = Math.min(largest, Math.floor(from + random() * (to - from)))
  const id = random() < 0.02 ? '' : `Message-ID: <${seed}.${number}@corpus.example>\r\n`
  const head = `Received: from a.example by b.example; Sun, 22 Nov 2020 20:00:00 +0000\r
From: "Sender ${number}" <s${number % 97}@partner.example>\r
To: <u${seed}@tenant1.example>\r
Subject: =?utf-8?Q?Nachricht_${number}_=C3=BC?=\r
Date: Sun, 22 Nov 2020 20:00:00 +0000\r
${id}MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
\r
`
  const start = Math.floor(random() * 1000)
  return Buffer.concat([Buffer.from(head), whole(filler.subarray(start, start + size)), Buffer.from('\r\n')])
}

/** Without half a line end at either side: Dovecot's Maildirs cannot hold one. */
const whole = (part: Buffer): Buffer => part.subarray(part[0] === 0x0a ? 1 : 0, part.at(-1) === 0x0d ? -1 : undefined)

const filler = Buffer.from(
  Array.from(
    { length: 3200 },
    (_, i) => `${i} Lorem ipsum dolor sit amet, consetetur sadipscing elitr ${i * i}\r\n`,
  ).join(''),
)

const simple = 'From: <odd@partner.example>\r\nSubject: odd\r\n'

/** No two servers agree on all of these; each must still arrive as it was. */
export function oddMessages(): readonly Buffer[] {
  return [
    `${simple}\r\n`,
    'no header at all, only a line of text\r\n',
    '\r\nan empty header\r\n',
    `${simple}X-No-Body: there is not even an empty line\r\n`,
    `${simple}\r\nno line end at the end`,
    `${simple}\r\n.\r\n..\r\n.hidden\r\n`,
    `${simple}\r\n${'x'.repeat(20_000)}\r\n`,
    `Subject: ${'long '.repeat(3000)}\r\n${simple}\r\nlong field\r\n`,
    `${simple}X-Eight-Bit: gr\xfc\xdfe aus K\xf6ln\r\n\r\nISO-8859-1: \xe4\xf6\xfc\r\n`,
    `${simple}Disposition-Notification-To: <s@partner.example>\r\n\r\nsay that you read this\r\n`,
    `${simple}Message-ID: <a) UID 1 BODY[] {3}\r\n abc@x>\r\n\r\ninto the protocol\r\n`,
    `${simple}Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\na part without an end\r\n`,
    `${simple}\r\n{5+}\r\nhello\r\nA1 OK done\r\n* BYE\r\n`,
    `${'X-Field: value\r\n'.repeat(2000)}${simple}\r\nmany fields\r\n`,
    `From - Mon Jan  1 00:00:00 2001\r\n${simple}\r\nan mbox line on top\r\n`,
  ].map((text) => Buffer.from(text, 'latin1'))
}

function write(file: string, content: Buffer): void {
  writeFileSync(file, content)
  chownSync(file, owner, owner)
}

/** The same numbers each time (xorshift32), so that a failure can be repeated. */
function generator(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}
