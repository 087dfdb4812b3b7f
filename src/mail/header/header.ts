/**
 * A message header that is byte for byte itself until a field is touched.
 *
 * Promises: the joined `raw` of all fields is the text that was read, for any text; time is linear in it. Fields that are
 * no fields stay where they are, without a key. All text is binary: one character is one byte.
 * Never: decodes, reorders or re-folds what was not changed; lets a CR, LF or NUL into a field that it makes.
 * On failure: reading cannot fail. Making a field from text that would break the header throws: callers check their data.
 */
export { all, type Field, fieldValue, first, type Header, headerText, parseHeader, unfold } from './field.ts'
export { type FromReading, readFrom } from './from.ts'
export { type HeaderLimits, HeaderMeter } from './meter.ts'
export { makeField, withValue } from './write.ts'
