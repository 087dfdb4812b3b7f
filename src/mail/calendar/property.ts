/** A place where an address can stand: a parameter's value without its quotes, or the property's value ('' as parameter). */
export type Slot = {
  readonly parameter: string
  readonly start: number
  readonly end: number
  readonly quoted: boolean
}

export type Property = { readonly name: string; readonly slots: readonly Slot[] }

/** RFC 5545 section 3.2, RFC 7986 section 6.2 (EMAIL); X- parameters of programs carry addresses too. */
const addressParameter = /^(?:SENT-BY|EMAIL|DELEGATED-TO|DELEGATED-FROM|MEMBER|CN|X-.*)$/

/**
 * The slots of an unfolded ORGANIZER or ATTENDEE (RFC 5545 section 3.1, binary string).
 * undefined for other properties, and for lines that readers would cut at different places.
 */
export function readProperty(text: string): Property | undefined {
  const name = /^(?:ATTENDEE|ORGANIZER)(?=[;:])/i.exec(text)?.[0]
  if (name === undefined) return undefined
  const slots: Slot[] = []
  let at = name.length
  while (text[at] === ';') {
    const end = readParameter(text, at + 1, slots)
    if (end === undefined) return undefined
    at = end
  }
  if (text[at] !== ':') return undefined
  slots.push({ parameter: '', start: at + 1, end: text.length, quoted: false })
  return { name: name.toUpperCase(), slots }
}

/** `name=value,value` from `start`; the answer is where it ends. Slots of other parameters are passed over. */
function readParameter(text: string, start: number, slots: Slot[]): number | undefined {
  const equals = endOf(/[^=;:",]*/y, text, start)
  if (text[equals] !== '=') return undefined
  const parameter = text.slice(start, equals).toUpperCase()
  for (let at = equals; ; ) {
    const slot = readValue(text, at + 1, parameter)
    if (slot === undefined) return undefined
    if (addressParameter.test(parameter)) slots.push(slot)
    at = slot.quoted ? slot.end + 1 : slot.end
    if (text[at] !== ',') return at
  }
}

function readValue(text: string, start: number, parameter: string): Slot | undefined {
  if (text[start] !== '"') return { parameter, start, end: unquotedEnd(text, start), quoted: false }
  let close = text.indexOf('"', start + 1)
  // QUIRK: names come with quotes inside quotes; those are not followed by what must follow a value.
  while (close >= 0 && !/[;:,]/.test(text.charAt(close + 1))) close = text.indexOf('"', close + 1)
  return close < 0 ? undefined : { parameter, start: start + 1, end: close, quoted: true }
}

/** QUIRK: SENT-BY=mailto:a@b.example comes without the quotes that its colon needs (RFC 5545 section 3.2.18). */
function unquotedEnd(text: string, start: number): number {
  const end = endOf(/[^;:,"]*/y, text, start)
  const isMailto = text[end] === ':' && text.slice(start, end).toLowerCase() === 'mailto'
  return isMailto ? endOf(/:[^;:,"@]+@[^;:,"]+(?=[;:,])/y, text, end) : end
}

/** Where a match of the sticky pattern at `at` ends; `at` when it does not match. */
function endOf(sticky: RegExp, text: string, at: number): number {
  sticky.lastIndex = at
  return sticky.test(text) ? sticky.lastIndex : at
}
