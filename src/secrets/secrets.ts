/**
 * Secrets on this machine. DKIM keys and the token of the API are files of their own, made on first use, readable by their
 * owner only; everything else that Causeway keeps lies in the vault (`vault/`), encrypted.
 *
 * Promises: a file is there whole or not at all, also after a crash, and two processes that start together agree on one.
 * Never: a secret in an error, a log or a DNS record; a key replaced that exists.
 * On failure: `readDkimKey` and `tokenFile` say why in a sentence; `dkimKey`, asked at start, throws it.
 */
export { type DkimKey, dkimKey, type KeyAnswer, type KeyKind, readDkimKey } from './dkim-key.ts'
export { dkimRecord, recordParts, zoneLine } from './dkim-record.ts'
export { type PassKey, passKey, type TokenFile, tokenFile } from './local-secrets.ts'
export { type AskTxt, freeSelector, nextSelector, type SelectorAnswer } from './selector.ts'
