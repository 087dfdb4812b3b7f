/**
 * F21: the line to one next hop is narrow. What is large takes its time and arrives; mail for others does not wait for it.
 *
 * Two networks of this machine with a wire between them, both without a way out: the program and its senders live in one,
 * the far hop in the other. This process stays where it is; it plays the fault by a process inside (`narrow-line.ts`).
 */
import type { Fault, Finding, RunOptions } from './fault.ts'
import { firstOf, lacks, needsRoot } from './machine.ts'
import { openWire, playInside } from './wire.ts'

export const f21: Fault = {
  id: 'F21',
  title: 'narrow line',
  cannot: () => firstOf(needsRoot('a network of its own'), lacks('ip', 'tc')),
  run,
}

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  // In the long form 50 MB take about a minute; the short form sends 1 MB.
  using wire = openWire(isShort ? '8mbit' : '6mbit')
  const finding = await playInside(wire, 'narrow-line.ts', [wire.near, wire.far, wire.there, isShort ? '1' : '50'])
  say('done')
  return finding
}
