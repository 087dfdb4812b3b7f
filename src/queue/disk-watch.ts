/** Free space of the data folder against a reserve. */

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

export function watchDisk(_o: DiskWatchOptions): DiskWatch {
  return { isLow: false, why: '', freeBytes: 0, look: async () => {}, close: () => {} }
}
