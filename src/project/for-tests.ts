/** Tables for tests. */
import assert from 'node:assert/strict'
import { type Address, parseAddress } from '../mail/address/address.ts'
import type { EntryText } from './entry.ts'
import { noFindings } from './findings.ts'
import { compileTable, type RoutingTable } from './table.ts'

export function at(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address, text)
  return address
}

export function compile(...entries: readonly EntryText[]): {
  readonly table: RoutingTable
  readonly problems: readonly string[]
} {
  const findings = noFindings()
  const table = compileTable(entries, undefined, findings)
  return { table, problems: findings.problems.map((p) => p.text) }
}

export function tableOf(...entries: readonly EntryText[]): RoutingTable {
  const { table, problems } = compile(...entries)
  assert.deepEqual(problems, [])
  return table
}

export const out = (table: RoutingTable, text: string): string => table.external(at(text)).to
export const into = (table: RoutingTable, text: string): string => table.internal(at(text)).to

export const john: EntryText = {
  internal: 'john@one.example',
  external: 'john@shared.example',
  aliases: ['js@old.example'],
}
export const domain: EntryText = { internal: '@two.example', external: '@shared.example' }
export const flat: EntryText = {
  internal: '*.old.example',
  external: '@shared.example',
  outboundOnly: true,
  except: ['legal.old.example'],
}
