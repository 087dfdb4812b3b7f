/** The vault of a gateway for commands that work without it. It is opened when a project names a secret, for reading only. */
import { existsSync } from 'node:fs'
import { Option } from 'commander'
import type { SecretSource } from '../project/project.ts'
import type { KeyVault } from '../secrets/secrets.ts'
import { keyPlace, lookIntoVault } from '../secrets/vault/vault.ts'
import { openStore, sealedSecrets, storeFile } from '../store/store.ts'

export const keyFileOption = (): Option =>
  new Option(
    '--key-file <file>',
    'master key of the secrets, or fd:N for a file descriptor; default: master.key in the data directory',
  ).env('CAUSEWAY_KEY_FILE')

export type OpenedVault = Disposable & {
  readonly secrets: SecretSource
  /** As `secrets`; where no gateway has been yet there are no keys yet. */
  readonly keys: KeyVault
}

export function vaultIn(dataDir: string, keyFile: string | undefined): OpenedVault {
  let opened: Looked | undefined
  const secrets: SecretSource = (name) => {
    opened ??= look(dataDir, keyFile)
    return opened.read(name)
  }
  return {
    secrets,
    keys: { read: (name) => (existsSync(storeFile(dataDir)) ? secrets(name) : { kind: 'absent' }) },
    [Symbol.dispose]: () => opened?.close(),
  }
}

type Looked = { readonly read: SecretSource; close(): void }

function look(dataDir: string, keyFile: string | undefined): Looked {
  if (!existsSync(storeFile(dataDir))) return closed(`lies in a vault, and there is none in ${dataDir}`)
  const store = openStore(dataDir, { readOnly: true })
  if (!store.ok) return closed(`cannot be read: ${store.why}`)
  const looked = lookIntoVault({ rows: sealedSecrets(store.db), place: keyPlace(dataDir, keyFile) })
  if (looked.ok) return { read: (name) => looked.read('project', name), close: () => store.db.close() }
  store.db.close()
  return closed(`cannot be read: ${looked.why}`)
}

function closed(why: string): Looked {
  const remedy =
    'Name the data folder of its gateway with --data, and its master key with --key-file, as a user who may read both; or ask the running gateway, without --project.'
  return { read: () => ({ kind: 'closed', why, remedy }), close: () => {} }
}
