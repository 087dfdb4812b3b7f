/** Numbered plain SQL, run once each, in order, together with the number that says so. */
import type { DatabaseSync } from 'node:sqlite'

/** Its place in the list, from 1, is its number: never reorder or edit one that was released. */
export type Migration = string

/** undefined when the schema is the newest; otherwise a sentence for the operator. */
export function migrate(
  database: DatabaseSync,
  o: { readonly file: string; readonly migrations: readonly Migration[]; readonly readOnly?: boolean },
): string | undefined {
  const newest = o.migrations.length
  const found = version(database)
  if (found > newest) return newer(o.file, found, newest)
  if (found === newest) return undefined
  if (o.readOnly === true)
    return `${o.file} has schema ${found}, wanted ${newest}: start \`causeway serve\` once to update it`
  return upgrade(database, o.file, o.migrations)
}

/** Under the write lock, so that of two processes that start at once one migrates and the other finds it done. */
function upgrade(database: DatabaseSync, file: string, migrations: readonly Migration[]): string | undefined {
  database.exec('BEGIN IMMEDIATE')
  try {
    const found = version(database)
    for (const sql of migrations.slice(found)) database.exec(sql)
    if (found < migrations.length) database.exec(`PRAGMA user_version = ${migrations.length}`)
    database.exec('COMMIT')
    return found > migrations.length ? newer(file, found, migrations.length) : undefined
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function version(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0)
}

function newer(file: string, found: number, newest: number): string {
  return `${file} was written by a newer Causeway (schema ${found}, this one knows ${newest}): start the newer version, or restore the copy of the data folder made before the upgrade`
}
