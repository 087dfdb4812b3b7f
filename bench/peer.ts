/** What a measured server is to the benchmark. */
import type { Keys } from './keys.ts'
import type { Core } from './processes.ts'

export type Peer = {
  readonly name: string
  /** Where it takes mail. */
  readonly port: number
  /** The processes at the root of everything it runs. */
  readonly roots: readonly number[]
  /** As its operator does when a next hop is back: what waits for it is tried now. */
  readonly flush: () => Promise<void>
  readonly end: () => Promise<void>
}

export type PeerOptions = {
  /** A directory of its own on a real disk. */
  readonly dir: string
  readonly sinkPort: number
  readonly isTls: boolean
  readonly keys: Keys
  readonly core: Core
}
