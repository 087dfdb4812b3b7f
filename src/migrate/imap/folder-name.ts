/** Names of folders on the wire: modified UTF-7 (RFC 3501 section 5.1.3). */

const padding = { 0: '', 2: '==', 3: '=' } as const

/** Unicode to modified UTF-7. What is no well-formed Unicode is replaced, because it has no form there. */
export function encodeFolderName(name: string): string {
  return name.toWellFormed().replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === '&') return '&-'
    const bytes = Buffer.from(run, 'utf16le').swap16()
    return `&${bytes.toString('base64').replaceAll('/', ',').replaceAll('=', '')}-`
  })
}

/**
 * The wire's bytes (latin1) to Unicode. Control characters become U+FFFD: a name is shown, and made anew elsewhere.
 * QUIRK: bytes above 0x7e are read as UTF-8, and what is no modified UTF-7 is left as it stands: servers let such names be made.
 */
export function decodeFolderName(wire: string): string {
  const text = /[\x80-\xff]/.test(wire) ? Buffer.from(wire, 'latin1').toString('utf8') : wire
  return text
    .replace(/&([A-Za-z0-9+,]*)-/g, (all, coded: string) => decoded(coded) ?? all)
    .replace(/\p{Cc}/gu, '\ufffd')
}

/** undefined: not what an encoder would have written, so that two names of the server never become one by reading. */
function decoded(coded: string): string | undefined {
  if (coded === '') return '&'
  const rest = coded.length % 4
  if (rest === 1) return undefined
  const bytes = Buffer.from(coded.replaceAll(',', '/') + padding[rest === 2 ? 2 : rest === 3 ? 3 : 0], 'base64')
  if (bytes.length % 2 === 1) return undefined
  const text = bytes.swap16().toString('utf16le')
  return encodeFolderName(text) === `&${coded}-` ? text : undefined
}
