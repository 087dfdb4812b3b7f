/** Keys that we sign with: where they lie, and whether what lies there can sign. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { judgeKey, type KeyKind, keyPlaceOf, leastBits } from '../secrets/secrets.ts'
import { isSecretName, secretNamed } from '../secrets/vault/vault.ts'
import type { DkimKey } from './model.ts'
import { readNamed } from './named-files.ts'
import { isSelector, show } from './names.ts'
import type { Reading } from './reading.ts'
import type { Path } from './yaml-file.ts'

export type KeyDocument = { readonly selector: string; readonly keyFile?: string | undefined }

/** A key may be absent: it is made on first use. One that is there must be of the right kind. `domain` as domainKey. */
export function compileSigningKey(
  reading: Reading,
  path: Path,
  { selector, keyFile }: KeyDocument,
  kind: KeyKind,
  domain: string,
): DkimKey {
  const place = keyFile ?? keyPlaceOf(domain, selector)
  const at = [...path, keyFile === undefined ? 'selector' : 'keyFile']
  const name = secretNamed(place)
  if (name !== undefined) {
    // Of a domain or selector that is none this was told; there is no name by default then.
    if (keyFile !== undefined || (domain !== '' && isSelector(selector))) checkVaultKey(reading, at, name, kind)
    return { selector, keyFile: place }
  }
  checkFileKey(reading, at, place, kind)
  return { selector, keyFile: resolve(reading.folder, place) }
}

/** Where the vault is not at hand nothing is wrong with the key: the gateway that keeps it looks again. */
function checkVaultKey(reading: Reading, path: Path, name: string, kind: KeyKind): void {
  const wrong = (why: string, remedy: string): undefined =>
    reading.wrong(path, `${reading.called(path)} means the secret ${show(name)}, which ${why}.`, remedy)
  if (!isSecretName(name))
    return wrong('is not a name', 'Use letters, digits, dots, hyphens, underscores, and slashes between them.')
  const secret = reading.secrets(name)
  const again = `Put the right key there: causeway secret set ${name} --file KEY`
  if (secret.kind === 'unknown') return wrong(`cannot be read: ${secret.why}`, again)
  if (secret.kind !== 'found') return undefined
  const judged = judgeKey(secret.value, kind, leastBits.taken)
  return judged.ok ? undefined : wrong(judged.why, again)
}

function checkFileKey(reading: Reading, path: Path, name: string, kind: KeyKind): void {
  const file = resolve(reading.folder, name)
  if (!existsSync(file)) {
    if (!existsSync(dirname(file)))
      reading.wrong(
        path,
        `The folder of ${show(name)} does not exist, so the key cannot be made there.`,
        `Make the folder ${dirname(file)}.`,
      )
    return
  }
  const pem = readNamed(reading, path, name)
  if (pem === undefined) return
  const judged = judgeKey(pem, kind, leastBits.verified)
  if (!judged.ok)
    reading.wrong(
      path,
      `${show(name)} ${judged.why}.`,
      'Name the right key, or a file that does not exist yet: the key is then made.',
    )
}
