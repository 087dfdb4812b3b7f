/** A secret set while the gateway is stopped: one that it cannot start without can be set in no other way. */
import { existsSync } from 'node:fs'
import { isSecretName, keyPlace, openVault } from '../secrets/vault/vault.ts'
import { claimFolder, makeAudit, openStore, sealedSecrets, storeFile } from '../store/store.ts'
import { operator } from './client.ts'
import { Stop } from './io.ts'

/** The version. What the project makes of the value shows when the gateway starts. */
export function setOffline(dataDir: string, keyFile: string | undefined, name: string, value: Buffer): number {
  if (!isSecretName(name)) throw new Stop(2, `${JSON.stringify(name)} is no name of a secret`)
  if (!existsSync(storeFile(dataDir))) throw new Stop(3, `no gateway has been started in ${dataDir} yet`)
  const claim = claimFolder(dataDir)
  if (!claim.ok) throw new Stop(3, `the gateway in ${dataDir} is running: say it without --offline`)
  try {
    return write(dataDir, keyFile, name, value)
  } finally {
    claim.release()
  }
}

function write(dataDir: string, keyFile: string | undefined, name: string, value: Buffer): number {
  const store = openStore(dataDir)
  if (!store.ok) throw new Stop(3, `${store.why}; give this command as the user of the gateway`)
  using stack = new DisposableStack()
  stack.defer(() => store.db.close())
  const opened = openVault({ rows: sealedSecrets(store.db), place: keyPlace(dataDir, keyFile), now: Date.now })
  if (!opened.ok) throw new Stop(3, opened.why)
  const by = `causeway secret set --offline (${operator()})`
  const version = opened.vault.write('project', name, value, by)
  const record = { by, from: '', what: 'secret.set', object: name, before: '', after: `version ${version}` }
  makeAudit(store.db, Date.now).add(record)
  return version
}
