/**
 * Secrets on this machine. What Causeway makes and keeps lies in the vault (`vault/`), encrypted; DKIM keys also in files, where a
 * project names one. Of the API's token only a digest is kept, beside the operator's own copy.
 *
 * Promises: a file is there whole or not at all, also after a crash, and two processes that start together agree on one.
 * Never: a secret in an error, a log or a DNS record; a key replaced that exists.
 * On failure: `readDkimKey` and `openToken` say why in a sentence; `dkimKey`, asked at start, throws it.
 */
export { type ApiToken, newToken, openToken, type TokenDigests } from './api-token.ts'
export {
  type DkimKey,
  dkimKey,
  type KeyAnswer,
  type KeyOptions,
  type KeyVault,
  keyNameOf,
  keyPlaceOf,
  readDkimKey,
} from './dkim-key.ts'
export { dkimRecord, recordParts, zoneLine } from './dkim-record.ts'
export { judgeKey, type KeyKind, leastBits } from './key-judgement.ts'
export { type PassKey, passKey } from './local-secrets.ts'
export { type AskTxt, freeSelector, nextSelector, type SelectorAnswer } from './selector.ts'
