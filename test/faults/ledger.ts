/**
 * The books of a fault: what the senders were told, and what the next hops got. Neither side asks Causeway about it, so its
 * own mistakes cannot hide. Counted are recipients, not messages: each has its own fate.
 *
 * Each message begins with a field that says who it is, and everything from there to its last byte must arrive as it was
 * sent: fields that Causeway adds stand above.
 */
import { createHash, randomBytes } from 'node:crypto'

export const ledgerField = 'X-Ledger'

export type Letter = {
  readonly id: string
  readonly from: string
  readonly to: readonly string[]
  /** With CRLF, dots not doubled. */
  readonly raw: Buffer
}

export type LetterOptions = {
  readonly from: string
  readonly to: readonly string[]
  /** About how long it gets. */
  readonly bytes?: number
  /** Its body, in place of one that is made up. */
  readonly body?: Buffer
  /** Header fields above that of the ledger, each with its CRLF: they are not compared, because they are rewritten. */
  readonly above?: string
}

/** What a next hop took. */
export type Arrival = {
  readonly id: string
  readonly digest: string
  readonly to: readonly string[]
}

export type Count = {
  readonly accepted: number
  readonly delivered: number
  /** Still in the queue, by what the program says. */
  readonly kept: number
  /** Reported to the sender as failed. */
  readonly returned: number
  readonly dropped: number
  /** Accepted, and nowhere. */
  readonly lost: number
  /** Arrived with other bytes, or was never sent by us. */
  readonly altered: number
  /** Copies beyond what the sender was promised: for one who was told 4xx or 5xx each copy is one too many. */
  readonly doubled: number
  /** Replies to the final dot that were cut, and deliveries in flight at a kill. */
  readonly allowed: number
  /** Both delivered and returned, or delivered and still in the queue. */
  readonly both: number
  readonly examples: { readonly [kind in 'lost' | 'altered' | 'doubled' | 'both']: readonly string[] }
}

/** A recipient who is in the queue, by what the program says: the message's field, and the address. */
export type KeptOne = { readonly id: string; readonly recipient: string }

export type Ledger = {
  write(o: LetterOptions): Letter
  /** The sender was told 250 for these. */
  accepted(letter: Letter, to: readonly string[]): void
  /** The sender was told 4xx or 5xx for these. */
  refused(letter: Letter, to: readonly string[]): void
  /** The connection ended before there was an answer: the sender cannot know. */
  cut(letter: Letter): void
  /** True: a sender was told 250 before, so it comes out of the queue. */
  arrived(arrival: Arrival): boolean
  /** A report says that it could not be delivered. */
  returned(id: string, recipient: string): void
  /** Somebody took it out of the queue by hand. */
  dropped(id: string, recipient: string): void
  /** So many copies may come twice, because nobody can know. */
  allow(copies: number): void
  readonly acceptedSoFar: number
  /** Ids of the messages in the order in which they came to this recipient for the first time. */
  readonly order: readonly { readonly id: string; readonly recipient: string }[]
  arrivalsOf(id: string, recipient: string): number
  count(kept: readonly KeptOne[]): Count
}

type Told = 'accepted' | 'refused' | 'cut' | 'nothing'
type Account = { told: Told; arrivals: number; altered: number; returned: number; dropped: number }
type Page = { readonly digest: string; readonly accounts: Map<string, Account> }

/** The local part: domains are rewritten on the way. */
const nameOf = (address: string): string => address.slice(0, address.lastIndexOf('@')).toLowerCase()

export function makeLedger(): Ledger {
  const run = randomBytes(4).toString('hex')
  const pages = new Map<string, Page>()
  const order: { id: string; recipient: string }[] = []
  const strangers: string[] = []
  let allowed = 0
  let acceptedSoFar = 0
  const account = (id: string, recipient: string): Account | undefined => pages.get(id)?.accounts.get(nameOf(recipient))
  const tell = (letter: Letter, to: readonly string[], told: Told): void => {
    for (const recipient of to) {
      const one = account(letter.id, recipient)
      if (one !== undefined && one.told !== 'accepted') one.told = told
    }
  }
  return {
    write(o) {
      const id = `${run}.${pages.size + 1}`
      const raw = content(id, o)
      const accounts = o.to.map((to) => [nameOf(to), fresh()] as const)
      pages.set(id, { digest: digestOf(raw.subarray(o.above?.length ?? 0)), accounts: new Map(accounts) })
      return { id, from: o.from, to: o.to, raw }
    },
    accepted(letter, to) {
      tell(letter, to, 'accepted')
      acceptedSoFar += to.length
    },
    refused: (letter, to) => tell(letter, to, 'refused'),
    cut: (letter) =>
      tell(
        letter,
        letter.to.filter((to) => account(letter.id, to)?.told === 'nothing'),
        'cut',
      ),
    arrived({ id, digest, to }) {
      let wasQueued = false
      for (const recipient of to) {
        const one = account(id, recipient)
        if (one === undefined) {
          strangers.push(`${id} to ${recipient}`)
          continue
        }
        if (one.arrivals === 0) order.push({ id, recipient })
        one.arrivals += 1
        wasQueued ||= one.told === 'accepted'
        if (pages.get(id)?.digest !== digest) one.altered += 1
      }
      return wasQueued
    },
    returned(id, recipient) {
      const one = account(id, recipient)
      if (one === undefined) strangers.push(`report about ${id} to ${recipient}`)
      else one.returned += 1
    },
    dropped(id, recipient) {
      const one = account(id, recipient)
      if (one !== undefined) one.dropped += 1
    },
    allow(copies) {
      allowed += copies
    },
    get acceptedSoFar() {
      return acceptedSoFar
    },
    order,
    arrivalsOf: (id, recipient) => account(id, recipient)?.arrivals ?? 0,
    count: (kept) => countUp(pages, strangers, allowed, kept),
  }
}

const fresh = (): Account => ({ told: 'nothing', arrivals: 0, altered: 0, returned: 0, dropped: 0 })

export const digestOf = (raw: Buffer): string => createHash('sha256').update(raw).digest('base64url')

/** Few are enough to look for in the log. */
const maxExamples = 3

function countUp(
  pages: ReadonlyMap<string, Page>,
  strangers: readonly string[],
  allowed: number,
  kept: readonly KeptOne[],
): Count {
  const inQueue = new Set(kept.map(({ id, recipient }) => `${id} to ${nameOf(recipient)}`))
  const sum = { accepted: 0, delivered: 0, kept: 0, returned: 0, dropped: 0 }
  const found = { lost: [] as string[], altered: [...strangers], doubled: [] as string[], both: [] as string[] }
  for (const [id, { accounts }] of pages) {
    for (const [name, one] of accounts) {
      const who = `${id} to ${name}`
      const isKept = inQueue.has(who)
      const ends = [one.arrivals > 0, one.returned > 0, one.dropped > 0, isKept].filter(Boolean).length
      for (let extra = one.arrivals - (one.told === 'refused' ? 0 : 1); extra > 0; extra--) found.doubled.push(who)
      for (let extra = one.returned - 1; extra > 0; extra--) found.doubled.push(`report about ${who}`)
      for (let n = 0; n < one.altered; n++) found.altered.push(who)
      if (ends > 1) found.both.push(who)
      if (one.told === 'refused' && isKept) found.both.push(`${who}, refused and kept`)
      if (one.told !== 'accepted') continue
      sum.accepted += 1
      if (one.arrivals > 0) sum.delivered += 1
      else if (one.returned > 0) sum.returned += 1
      else if (one.dropped > 0) sum.dropped += 1
      else if (isKept) sum.kept += 1
      else found.lost.push(who)
    }
  }
  const { lost, altered, doubled, both } = found
  return {
    ...sum,
    lost: lost.length,
    altered: altered.length,
    doubled: doubled.length,
    allowed,
    both: both.length,
    examples: {
      lost: lost.slice(0, maxExamples),
      altered: altered.slice(0, maxExamples),
      doubled: doubled.slice(0, maxExamples),
      both: both.slice(0, maxExamples),
    },
  }
}

/** Several runs of one fault are one account. */
export function addUp(counts: readonly Count[]): Count {
  const add = (what: keyof Omit<Count, 'examples'>): number => counts.reduce((sum, count) => sum + count[what], 0)
  const examples = (what: keyof Count['examples']): readonly string[] =>
    counts.flatMap((count) => count.examples[what]).slice(0, maxExamples)
  return {
    accepted: add('accepted'),
    delivered: add('delivered'),
    kept: add('kept'),
    returned: add('returned'),
    dropped: add('dropped'),
    lost: add('lost'),
    altered: add('altered'),
    doubled: add('doubled'),
    allowed: add('allowed'),
    both: add('both'),
    examples: {
      lost: examples('lost'),
      altered: examples('altered'),
      doubled: examples('doubled'),
      both: examples('both'),
    },
  }
}

function content(id: string, { from, bytes = 1000, body, above = '' }: LetterOptions): Buffer {
  const head = `${ledgerField}: ${id}
From: Sender <${from === '' ? 'nobody@outside.example' : from}>
To: undisclosed-recipients:;
Subject: ledger ${id}
Date: Sun, 22 Nov 2026 20:00:00 +0000
Message-ID: <${id}@ledger.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

`.replaceAll('\n', '\r\n')
  return Buffer.concat([Buffer.from(`${above}${head}`, 'latin1'), body ?? text(id, bytes - head.length)])
}

/** Lines of every kind that servers treat in a way of their own: dots in front, none at all, long ones. */
function text(id: string, bytes: number): Buffer {
  const block = Buffer.from(
    `${id} says:\r\n.\r\n..two\r\n.one\r\n\r\n${'long '.repeat(150)}\r\nFrom here on\r\n`,
    'latin1',
  )
  const blocks = Math.max(1, Math.ceil(bytes / block.length))
  return blocks === 1 ? block : Buffer.concat(Array.from({ length: blocks }, () => block))
}
