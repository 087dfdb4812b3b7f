/** Free space of the data folder against a reserve. */
import { type StatsFs, statfsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'

export type DiskWatchOptions = {
  readonly dir: string
  /** When absent: 1 GiB, or a tenth of the file system where that is less. */
  readonly reserveBytes: number | undefined
  /** 1,000 when absent. */
  readonly everyMs?: number
  /** Hears each change, for the log. */
  readonly onChange?: (isLow: boolean, why: string) => void
}

export type DiskWatch = {
  /** New mail is to be answered 452; what is there goes on. */
  readonly isLow: boolean
  /** For the operator; '' while there is room. */
  readonly why: string
  readonly freeBytes: number
  /** Looks now, as after a failed put. */
  look(): Promise<void>
  close(): void
}

const gib = 1024 ** 3
/** It is over only when there is so much more than the reserve, or a disk at the edge would be low and not low at every look. */
const recovery = 1.1
/** Files that can still be made: SQLite, certificates and logs make some. */
const fewestInodes = 100

type Space = {
  readonly freeBytes: number
  readonly reserve: number
  readonly freeInodes: number
  readonly hasInodes: boolean
}

/** It has looked once when this returns. A folder that cannot be asked has no room. */
export function watchDisk(o: DiskWatchOptions): DiskWatch {
  let why = ''
  let freeBytes = 0
  let looking: Promise<void> | undefined

  const conclude = (space: Space | undefined, failure = ''): void => {
    const before = why
    freeBytes = space?.freeBytes ?? 0
    why = space === undefined ? failure : shortage(space, before !== '')
    if ((why === '') !== (before === '')) o.onChange?.(why !== '', why)
  }
  const ask = async (): Promise<void> => {
    try {
      conclude(spaceOf(await statfs(o.dir), o.reserveBytes))
    } catch (error) {
      conclude(undefined, unreadable(o.dir, error))
    }
  }
  const look = (): Promise<void> => {
    // A folder on a server that does not answer keeps one question waiting, not one a second.
    looking ??= ask().finally(() => {
      looking = undefined
    })
    return looking
  }

  try {
    conclude(spaceOf(statfsSync(o.dir), o.reserveBytes))
  } catch (error) {
    conclude(undefined, unreadable(o.dir, error))
  }
  const timer = setInterval(() => void look(), o.everyMs ?? 1000).unref()
  return {
    get isLow() {
      return why !== ''
    },
    get why() {
      return why
    },
    get freeBytes() {
      return freeBytes
    },
    look,
    close: () => clearInterval(timer),
  }
}

/** Some file systems (btrfs) count no inodes and say 0 of 0. */
function spaceOf({ bsize, bavail, blocks, files, ffree }: StatsFs, reserveBytes: number | undefined): Space {
  const reserve = reserveBytes ?? Math.min(gib, Math.floor((bsize * blocks) / 10))
  return { freeBytes: bsize * bavail, reserve, freeInodes: ffree, hasInodes: files > 0 }
}

/** '' when there is enough. */
function shortage({ freeBytes, reserve, freeInodes, hasInodes }: Space, wasLow: boolean): string {
  const factor = wasLow ? recovery : 1
  if (freeBytes < reserve * factor)
    return `${mb(freeBytes)} MB are free in the data folder, ${mb(reserve)} MB are to stay free`
  if (hasInodes && freeInodes < fewestInodes * factor)
    return `the file system of the data folder has only ${freeInodes} inodes left`
  return ''
}

/** As the reserve is written in the project file. */
function mb(bytes: number): number {
  return Math.floor(bytes / 1e6)
}

function unreadable(dir: string, error: unknown): string {
  return `how much room is left in ${dir} cannot be found out: ${error instanceof Error ? error.message : String(error)}`
}
