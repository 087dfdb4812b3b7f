import type { Heading } from '../mailbox/mailbox.ts'
import { readFetch } from './fetch-data.ts'
import { Flow } from './flow.ts'
import type { FolderWork } from './folder-work.ts'
import type { Data } from './response.ts'
import { uidSets } from './uid-set.ts'

const fieldNames = 'MESSAGE-ID DATE FROM SENDER TO CC SUBJECT RECEIVED IN-REPLY-TO CONTENT-TYPE'
const atOnce = 200
/** Commands under way, and groups that nobody has taken yet. */
const maxAhead = 3

/** Fields that make an identity, in groups of a command each. */
export function headings(work: FolderWork, uids: readonly number[]): AsyncIterable<readonly Heading[]> {
  const sets = uidSets(uids, undefined, atOnce)
  let ahead = 0
  let isOver = false
  const goOn = (): void => {
    while (!isOver && ahead < maxAhead) {
      const { value: set, done } = sets.next()
      if (done === true) {
        isOver = true
        if (ahead === 0) flow.end()
        return
      }
      ahead += 1
      ask(work, set).then(given, failed)
    }
    if (isOver && ahead === 0) flow.end()
  }
  const flow = new Flow<readonly Heading[]>(
    () => {
      ahead -= 1
      goOn()
    },
    () => {
      isOver = true
    },
  )
  const given = (group: readonly Heading[]): void => flow.push(group)
  const failed = (error: Error): void => {
    isOver = true
    flow.end(error)
  }
  goOn()
  return flow
}

async function ask(work: FolderWork, set: string): Promise<readonly Heading[]> {
  const group: Heading[] = []
  const take = (data: Data): boolean => {
    if (data.name !== 'FETCH' || group.length > atOnce) return false
    const told = readFetch(data, work.connection.limits)
    if (typeof told === 'string') work.connection.hostile(told)
    if (typeof told === 'string' || told.uid === undefined || told.content === undefined) return false
    group.push({ uid: told.uid, fields: Buffer.isBuffer(told.content) ? fieldsIn(told.content) : [] })
    return true
  }
  await work.run({ what: 'headers', pieces: [`UID FETCH ${set} (UID BODY.PEEK[HEADER.FIELDS (${fieldNames})])`], take })
  return group
}

/** Two copies of a header are cut at the same place, so that they are still the same. */
const maxHeader = 64 * 1024

/** RFC 5322 section 2.2: names and values; folding is taken out, every other byte stays. */
export function fieldsIn(header: Buffer): Heading['fields'] {
  const text = header.toString('latin1', 0, maxHeader).replace(/\r?\n(?=[ \t])/g, '')
  return text.split(/\r?\n/).flatMap((line) => {
    const colon = line.indexOf(':')
    return colon < 1 ? [] : [[line.slice(0, colon).trimEnd(), line.slice(colon + 1).trim()] as const]
  })
}
