/**
 * Secrets on this machine: DKIM keys, the token of the API, the key of the pass header. Each is a file of its own, made
 * on first use, readable by its owner only.
 *
 * Promises: a file is there whole or not at all, also after a crash, and two processes that start together agree on one.
 * Never: a secret in an error, a log or a DNS record; a key replaced that exists.
 * On failure: `readDkimKey` and `tokenFile` say why in a sentence; `dkimKey` and `hmacKey`, asked at start, throw it.
 */
export { type DkimKey, dkimKey, type KeyAnswer, type KeyKind, readDkimKey } from './dkim-key.ts'
export { dkimRecord, recordParts, zoneLine } from './dkim-record.ts'
export { hmacKey, type TokenFile, tokenFile } from './local-secrets.ts'
export { type AskTxt, freeSelector, nextSelector, type SelectorAnswer } from './selector.ts'
