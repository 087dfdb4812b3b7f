import type { Folder, FolderState } from '../mailbox/mailbox.ts'
import { astring } from './command.ts'
import type { Connection } from './connection.ts'
import type { Data } from './response.ts'
import { type ScanLimits, Scanner } from './scanner.ts'

/** `(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)` */
export function stateItems(has: (capability: string) => boolean): string {
  return `(MESSAGES UIDNEXT UIDVALIDITY${has('CONDSTORE') || has('QRESYNC') ? ' HIGHESTMODSEQ' : ''})`
}

/** STATUS of each, all under way at once. What has vanished is not in the answer. */
export async function askStates(
  connection: Connection,
  folders: readonly Folder[],
  items: string,
): Promise<Map<string, FolderState>> {
  const states = new Map<string, FolderState>()
  const asked = folders.filter((folder) => folder.holdsMessages)
  const wanted = new Set(asked.map(({ id }) => id))
  const keep = (id: string, state: FolderState): void => {
    if (wanted.has(id)) states.set(id, state)
  }
  await Promise.all(asked.map((folder) => askState(connection, folder, items, keep)))
  return states
}

async function askState(
  connection: Connection,
  { id }: Folder,
  items: string,
  keep: (id: string, state: FolderState) => void,
): Promise<void> {
  const take = (data: Data): boolean => {
    if (data.name !== 'STATUS') return false
    const told = readState(data, connection.limits)
    if (typeof told === 'string') connection.hostile(told)
    else if (told.state !== undefined) keep(told.id, told.state)
    return true
  }
  const of = { what: 'the state of a folder', about: 'folder' } as const
  return new Promise((resolve, reject) => {
    connection.submit({
      ...of,
      pieces: ['STATUS ', ...astring(id), ` ${items}`],
      take,
      done(end) {
        const trouble = end.kind === 'OK' ? undefined : connection.troubleOf(end, of)
        if (trouble === undefined || (end.kind === 'NO' && (trouble.kind === 'changed' || trouble.kind === 'refused')))
          resolve()
        else reject(trouble)
      },
    })
  })
}

/** RFC 9051 section 7.3.4. `state` is absent when it does not say what a state must. A string tells what is wrong. */
export function readState(
  data: Data,
  limits: ScanLimits,
): { readonly id: string; readonly state?: FolderState } | string {
  const scanner = new Scanner(data.frame, data.at, limits)
  const id = scanner.astring() ?? ''
  const told = new Map<string, string>()
  scanner.expect('(')
  while (scanner.fault === undefined && !scanner.takes(')')) told.set(scanner.atom().toUpperCase(), scanner.atom())
  if (scanner.fault !== undefined) return scanner.fault
  const state = stateOf(told)
  return { id: id.toUpperCase() === 'INBOX' ? 'INBOX' : id, ...(state === undefined ? {} : { state }) }
}

function stateOf(told: ReadonlyMap<string, string>): FolderState | undefined {
  const number = (name: string): number => wholeNumber(told.get(name) ?? '') ?? -1
  const [uidValidity, uidNext, messages] = [number('UIDVALIDITY'), number('UIDNEXT'), number('MESSAGES')]
  if (uidValidity < 1 || uidNext < 0 || messages < 0) return undefined
  const modSeq = modSeqOf(told.get('HIGHESTMODSEQ'))
  return { uidValidity, uidNext, messages, ...(modSeq === undefined ? {} : { modSeq }) }
}

/** Up to 63 bits, so kept as text; 0 says that the folder has none (RFC 7162 section 3.1.2.2). */
export function modSeqOf(digits: string | undefined): string | undefined {
  return digits !== undefined && /^[1-9]\d{0,18}$/.test(digits) ? digits : undefined
}

export function wholeNumber(digits: string): number | undefined {
  return /^\d{1,10}$/.test(digits) ? Number(digits) : undefined
}
