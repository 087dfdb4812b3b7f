/** The table of the vault in memory, with a place to be cut off at. */
import type { Kept, Rows } from '../../src/secrets/vault/vault.ts'

export type MemoryRows = Rows & { readonly table: Map<string, Kept>; onRewrite: () => void }

export function memoryRows(): MemoryRows {
  const table = new Map<string, Kept>()
  const nameOf = (kind: string, id: string): string => JSON.stringify([kind, id])
  return {
    table,
    onRewrite: () => {},
    all: () => [...table.values()],
    get: (kind, id) => table.get(nameOf(kind, id)),
    put: (row) => void table.set(nameOf(row.kind, row.id), row),
    remove: (kind, id) => table.delete(nameOf(kind, id)),
    rewrite(rows) {
      this.onRewrite()
      for (const row of rows) table.set(nameOf(row.kind, row.id), row)
    },
  }
}
