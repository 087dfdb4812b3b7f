/**
 * `value; name=value; ...` as Content-Type and Content-Disposition have it (RFC 2045 section 5.1, RFC 2231).
 * Text is a binary string. What two readers would read differently has no reading: undefined.
 */
export type Parameterised = { readonly value: string; readonly parameters: ReadonlyMap<string, string> }

type Raw = { readonly name: string; readonly value: string; readonly rest: string }

/** Sections of one parameter, by RFC 2231: `plain` from name=, `star` from name*=, the others from name*N and name*N*. */
type Sections = { plain?: string; star?: string; readonly numbered: Map<number, string> }

export function parseParameterised(value: string): Parameterised | undefined {
  const pieces = cut(value)
  if (pieces === undefined) return undefined
  const raws = pieces.slice(1).flatMap((piece) => readRaw(piece) ?? [])
  // A boundary with something behind it is read by some up to the space and by others in full.
  if (raws.some((raw) => raw.name.startsWith('boundary') && raw.rest !== '')) return undefined
  const parameters = assemble(raws)
  return parameters && { value: (pieces[0] ?? '').toLowerCase(), parameters }
}

/** Cuts at ';' outside quotes and drops comments; undefined when a quote or a comment does not end. */
function cut(text: string): string[] | undefined {
  const pieces: string[] = []
  let piece = ''
  let depth = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i)
    if (c === '\\' && (quoted || depth > 0)) {
      if (quoted) piece += text.slice(i, i + 2)
      i++
    } else if (quoted || (depth === 0 && c === '"')) {
      if (c === '"') quoted = !quoted
      piece += c
    } else if (c === '(') depth++
    else if (depth > 0) depth -= c === ')' ? 1 : 0
    else if (c === ';') {
      pieces.push(piece.trim())
      piece = ''
    } else piece += c
  }
  return quoted || depth > 0 ? undefined : [...pieces, piece.trim()]
}

/** One `name=value`; undefined for what is none, as behind a final ';'. */
function readRaw(piece: string): Raw | undefined {
  const equals = piece.indexOf('=')
  const name = piece.slice(0, Math.max(equals, 0)).trim().toLowerCase()
  if (name === '' || /\s/.test(name)) return undefined
  const text = piece.slice(equals + 1).trim()
  const quoted = /^"((?:[^"\\]|\\.)*)"(.*)$/s.exec(text)
  if (quoted) return { name, value: (quoted[1] ?? '').replace(/\\(.)/gs, '$1'), rest: (quoted[2] ?? '').trim() }
  // QUIRK: names of files with spaces come without quotes, and boundaries with '=' or '/' too: everything up to ';' counts.
  return { name, value: text, rest: /\s(.*)$/s.exec(text)?.[1] ?? '' }
}

/** RFC 2231 section 3 and 4: sections joined, percent signs undone. undefined when one name has two values. */
function assemble(raws: readonly Raw[]): ReadonlyMap<string, string> | undefined {
  const seen = new Map<string, string>()
  const groups = new Map<string, Sections>()
  for (const { name, value } of raws) {
    if ((seen.get(name) ?? value) !== value) return undefined
    seen.set(name, value)
    const found = /^([^*]+)(\*\d{1,4})?(\*)?$/.exec(name)
    if (found?.[1] === undefined) continue
    const group = groups.get(found[1]) ?? { numbered: new Map<number, string>() }
    groups.set(found[1], group)
    put(group, found[2]?.slice(1), found[3] !== undefined, value)
  }
  const parameters = new Map([...groups].map(([name, group]) => [name, join(group)]))
  const boundary = groups.get('boundary')?.plain
  return boundary === undefined || boundary === parameters.get('boundary') ? parameters : undefined
}

function put(group: Sections, number: string | undefined, extended: boolean, value: string): void {
  const first = number === undefined || Number(number) === 0
  // Only the first section names charset and language: utf-8'en'text.
  const text = extended ? percentDecode(first ? value.replace(/^[^']*'[^']*'/, '') : value) : value
  if (number !== undefined) group.numbered.set(Number(number), text)
  else if (extended) group.star = text
  else group.plain = text
}

/** The extended form wins over the plain one, which is there for readers that know no better (RFC 6266 section 4.3). */
function join({ plain, star, numbered }: Sections): string {
  if (star !== undefined) return star
  let text = numbered.get(0)
  if (text === undefined) return plain ?? ''
  for (let n = 1, next = numbered.get(1); next !== undefined; next = numbered.get(++n)) text += next
  return text
}

function percentDecode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}
