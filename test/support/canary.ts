/** A secret in every form in which it might get out: as it is, in base64 at any offset, in hex, as UTF-16, percent-encoded, escaped. */

export type Canary = { readonly name: string; readonly forms: readonly Buffer[] }

export function canary(name: string, secret: string | Buffer): Canary {
  const bytes = Buffer.from(secret)
  const text = bytes.toString('latin1')
  const wide = Buffer.from(text, 'utf16le')
  const forms = [
    bytes,
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('hex').toUpperCase()),
    ...base64Forms(bytes),
    wide,
    Buffer.from(wide).swap16(),
    Buffer.from(encodeURIComponent(text)),
    Buffer.from(JSON.stringify([...bytes]).slice(1, -1)),
  ]
  return { name, forms: forms.filter((form) => form.length > 7) }
}

/** Wherever it begins in what is encoded, these characters stand in the result. */
function base64Forms(bytes: Buffer): Buffer[] {
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc(2)]).toString('base64')
    const sure = whole.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return [Buffer.from(sure), Buffer.from(sure.replaceAll('+', '-').replaceAll('/', '_'))]
  })
}

/** What of these stands in there, by name. Line ends within base64 are no hiding place. */
export function found(canaries: readonly Canary[], inside: Buffer): readonly string[] {
  const joined = Buffer.from(inside.toString('latin1').replaceAll(/(?:\r|\\r)?(?:\n|\\n)[ \t]?/g, ''), 'latin1')
  return canaries.flatMap(({ name, forms }) =>
    forms.some((form) => inside.includes(form) || joined.includes(form)) ? [name] : [],
  )
}
