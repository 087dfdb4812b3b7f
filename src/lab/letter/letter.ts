/**
 * Letters as users write and read them: composed the way Outlook does it, answered, looked at.
 *
 * Promises: what is composed is CRLF text with one From, a Date and a Message-ID of its own; what is read back is what a
 *   person would see.
 * Never: sends anything, or knows whose mailbox it is.
 * On failure: none; a field that is missing reads as ''.
 */

export { addressesIn, bareAddress, fieldText, readCalendarPart, type Stored, textOf } from './read.ts'
export { answerTo, type Draft, type Person, writeLetter } from './write.ts'
