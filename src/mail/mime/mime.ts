/**
 * Finds the leaf parts of a message and undoes and redoes their transfer encoding.
 * Promises: linear time, bounded depth and count; parts are in order, in range and do not overlap; what is signed,
 *   encrypted, enclosed or broken is one sealed part; replacing parts copies no other byte.
 * Never: decides what a part's content means, or changes the bytes of a message.
 * On failure: none; what cannot be read is sealed, what cannot be decoded is undefined.
 */
export type { Part } from './part.ts'
export { type PartChange, replaceParts } from './replace.ts'
export { parts } from './scan.ts'
export { decodePart, encodePart } from './transfer.ts'
