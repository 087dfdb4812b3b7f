/** `causeway token`: the token of the API (local: whoever has lost it cannot ask the gateway for another). */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { newToken } from '../secrets/secrets.ts'
import { type Db, makeAudit, openStore, storeFile, tokenDigest } from '../store/store.ts'
import { operator } from './client.ts'
import { type CliParts, jsonText, type Run, Stop, shared } from './io.ts'

export function tokenCommand(program: Command, { io }: CliParts, run: Run): void {
  const token = program.command('token').description('the token of the API')
  const make = token
    .command('new')
    .description('make another one (local); the one before does not count any more, the gateway may be running')
    .option('--print', 'show it this once and keep it in no file: the commands then need --token-file')
  make.action(({ print }: { print?: boolean }) =>
    run(async () => {
      const { at, json } = shared(make)
      const file = join(at.data, 'api.token')
      const made = exchange(at.data, print !== true)
      if (print === true) io.out(json ? jsonText({ token: made }, 0) : `${made}\n`)
      else io.out(json ? jsonText({ file }, 0) : `a new token stands in ${file}\n`)
      return 0
    })(),
  )
}

function exchange(dataDir: string, isFileKept: boolean): string {
  // Made here the database would belong to whoever gives this command, and the gateway could not open it.
  if (!existsSync(storeFile(dataDir)))
    throw new Stop(3, `no gateway has been started in ${dataDir} yet: it makes a token at its first start`)
  const store = openStore(dataDir)
  if (!store.ok) throw new Stop(3, `${store.why}; give this command as the user of the gateway`)
  try {
    const made = newToken(dataDir, tokenDigest(store.db), { isFileKept })
    record(store.db, isFileKept ? 'kept in api.token' : 'kept in no file')
    return made
  } catch (error) {
    throw new Stop(3, `cannot exchange the token: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    store.db.close()
  }
}

function record(db: Db, after: string): void {
  const by = `causeway token new (${operator()})`
  makeAudit(db, Date.now).add({ by, from: '', what: 'token.new', object: 'the token of the API', before: '', after })
}
