import type { Field } from './field.ts'
import { foldLine, foldOverlong } from './fold.ts'

/** A new field, folded at 78 where it can be. Throws on a name that is none and on CR, LF, NUL or characters that are no bytes. */
export function makeField(name: string, value: string): Field {
  if (!/^[!-9;-~]+$/.test(name)) throw new TypeError(`not the name of a header field: ${JSON.stringify(name)}`)
  if (/[\r\n\0]|[^\x00-\xff]/.test(value)) throw new TypeError(`the value of ${name} would break the header`)
  return { key: name.toLowerCase(), raw: `${foldLine(`${name}: ${value}`)}\r\n`, colon: name.length }
}

/**
 * The field with another value (folding in it allowed); name, colon and line end as they are. Re-folded only where a line would
 * pass 998 bytes. Throws when the value would end the field or is not bytes.
 */
export function withValue(f: Field, value: string): Field {
  if (/\r\n(?![ \t])|\r(?!\n)|(?<!\r)\n|\0|[^\x00-\xff]/.test(value))
    throw new TypeError(`the value of ${f.key} would break the header`)
  const end = f.raw.endsWith('\r\n') ? '\r\n' : ''
  return { key: f.key, raw: foldOverlong(f.raw.slice(0, f.colon + 1) + value) + end, colon: f.colon }
}
