/** What the machine lends us: file descriptors and memory, as they are at the start. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

export type Machine = {
  /** Connections that may come in. */
  readonly incoming: number
  /** Connections that we may open to others: each is a descriptor that nobody from outside can take. */
  readonly outgoing: number
  /** Bytes of messages that may be in hand at once. */
  readonly contentBytes: number
}

let known: Machine | undefined

export function machine(): Machine {
  known ??= { ...shareOf(descriptors(), memory()), contentBytes: contentOf(memory()) }
  return known
}

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

/** More than this is no use to one process. */
const mostIncoming = 20_000
/** Of one that rests with TLS; measured: 68 KB, and 16 KB without. */
const memoryOfConnection = 72 * kibibyte
/** Places for connections take no more of the memory than this part, so that whoever comes to rest in all of them ends nothing. */
const forConnections = 1 / 8
/** However little memory there is. */
const fewestIncoming = 200
const mostOutgoing = 2000
/** Databases, logs, the API, what Node itself has open. */
const ours = 64

/** A quarter of the files goes to connections that we open, the rest to those that come in, as far as there is memory for them. */
export function shareOf(openFiles: number, memoryBytes: number): Pick<Machine, 'incoming' | 'outgoing'> {
  const free = Math.max(8, openFiles - ours)
  const outgoing = Math.min(mostOutgoing, Math.floor(free / 4))
  const room = Math.max(fewestIncoming, Math.floor((memoryBytes * forConnections) / memoryOfConnection))
  return { incoming: Math.min(mostIncoming, room, free - outgoing), outgoing }
}

/** The soft limit, which Node has raised to the hard one when it started (getrlimit(2)). */
function descriptors(): number {
  try {
    const line = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return line?.[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line?.[1] ?? 1024)
  } catch {
    return 1024 // not Linux: what every system gives
  }
}

/** Of the process without a message; measured: 156 MB RSS after the start, 165 MB after some mail. */
const atRest = 200 * mebibyte
/** Memory that a byte of a message takes at most: itself, and what is copied of it or not collected yet. */
const costOfByte = 2

/** On a machine with other work a quarter of the memory is enough for anybody. */
export function contentOf(memoryBytes: number): number {
  const left = Math.max(16 * mebibyte, memoryBytes - atRest)
  return Math.floor(Math.min(left / costOfByte, Math.max(memoryBytes / 4, 0)))
}

/** Of the container, where it has a limit. */
function memory(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** False: the system has none for us at this moment, so whoever connects finds nobody. */
export function hasDescriptor(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'))
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE'))
  }
}
