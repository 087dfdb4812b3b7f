import { f01 } from './f01-kill.ts'
import { f02 } from './f02-power-loss.ts'
import { f03 } from './f03-sync-order.ts'
import { f04, f05 } from './f04-disk-says-no.ts'
import { f06, f07 } from './f06-disk-full.ts'
import { f08 } from './f08-slow-disk.ts'
import { f09 } from './f09-refusals.ts'
import { f10 } from './f10-lost-replies.ts'
import { f11 } from './f11-tarpit.ts'
import { f12 } from './f12-hostile-replies.ts'
import { f13 } from './f13-client-vanishes.ts'
import { f14 } from './f14-dns.ts'
import { f16 } from './f16-clock.ts'
import { f21 } from './f21-narrow-line.ts'
import { f22 } from './f22-memory.ts'
import { f23 } from './f23-descriptors.ts'
import { f27 } from './f27-large.ts'
import { f28 } from './f28-recipients.ts'
import { f29 } from './f29-silent-hop.ts'
import { f30 } from './f30-switching.ts'
import { f31 } from './f31-table-changes.ts'
import type { Fault } from './fault.ts'

/** Kills, power, disks. */
export const faultsAtHome: readonly Fault[] = [f01, f02, f03, f04, f05, f06, f07, f08]

/** Next hops, clients, the network, and too much at once. */
export const faultsOfOthers: readonly Fault[] = [
  f09,
  f10,
  f11,
  f12,
  f13,
  f14,
  f16,
  f21,
  f22,
  f23,
  f27,
  f28,
  f29,
  f30,
  f31,
]

/** In the order of docs/faults.md. */
export const faults: readonly Fault[] = [...faultsAtHome, ...faultsOfOthers]
