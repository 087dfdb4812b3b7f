/**
 * Mail addresses: read from header fields, envelopes and directories, compared, written.
 *
 * Promises: any input gives an answer in linear time; spans are exact, so that everything around an address can stay.
 * Never: decodes encoded words, guesses between two readings, takes a bounce form for a person.
 * On failure: what has two readings is `ambiguous`, what is no path is `bad`, both with a reason for the trace.
 */
export { commentsIn } from './comments.ts'
export { addressKey, domainKey, readableDomain } from './key.ts'
export { type AddressList, type Mailbox, readAddressList } from './list.ts'
export { makeAddress, parseAddress, spell, splitTag, withDomain } from './make.ts'
export { type Change, type MapAddress, type MappedList, mapAddressList } from './map.ts'
export { type Path, parsePath } from './path.ts'
export type { Address, AddressForm } from './value.ts'
