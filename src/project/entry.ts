/** One entry of the directory: read from what somebody wrote, and checked by itself. */
import { addressKey, domainKey, parseAddress, spell } from '../mail/address/address.ts'
import { type Findings, type Place, type Problem, problem } from './findings.ts'
import { hasControl, isTooLong, isUnder, show } from './names.ts'

export type Mode = 'None' | 'DayOne' | 'DayTwo' | 'Done'

/** An entry as somebody writes it: in the project file, in a CSV file, through the API. */
export type EntryText = {
  readonly internal: string
  readonly external: string
  readonly aliases?: readonly string[] | undefined
  readonly outboundOnly?: boolean | undefined
  readonly except?: readonly string[] | undefined
  readonly name?: string | undefined
  readonly mode?: Mode | undefined
  readonly source?: Place | undefined
}

/** An entry as look-ups use it. Frozen. Domains stand as `@domain`, with their subdomains as `*.domain`. */
export type Entry = {
  /** For people: the name that it was given, or `internal -> external`. */
  readonly id: string
  readonly kind: 'exact' | 'domain' | 'wildcard'
  readonly internal: string
  readonly external: string
  readonly aliases: readonly string[]
  readonly outboundOnly: boolean
  /** As domainKey. */
  readonly except: readonly string[]
  readonly source: Place
  /** Only where it was written. */
  readonly name?: string
  /** Only where it was written: tells the old address from the new one. */
  readonly mode?: Mode
  /** Keys of the two addresses, for look-ups; often the same string as the address itself. */
  readonly internalKey: string
  readonly externalKey: string
  /** Its place in the directory. */
  readonly order: number
}

/** One address, or the domain that stands for many. */
type Side = { readonly kind: Entry['kind']; readonly text: string; readonly key: string }

const none: readonly string[] = Object.freeze([])

/** Where changes come from that no file holds. */
export const noPlace: Place = Object.freeze({ file: 'directory change', line: 0 })

/** The entry, or undefined when something is wrong with it, which `findings` then tells. */
export function readEntry(text: EntryText, order: number, findings: Findings): Entry | undefined {
  const place = text.source ?? noPlace
  const wrong: Problem[] = []
  const internal = readSide(text.internal, 'internal', place, wrong)
  const external = readSide(text.external, 'external', place, wrong)
  const aliases = readAliases(text, place, wrong)
  const except = readExcept(text, internal, place, findings, wrong)
  if (internal !== undefined && external !== undefined) checkPair(text, internal, external, place, wrong)
  if (hasControl(text.name ?? ''))
    wrong.push(problem(place, `The name ${show(text.name ?? '')} holds a control character.`, 'Remove it.'))
  findings.problems.push(...wrong)
  if (wrong.length > 0 || internal === undefined || external === undefined) return undefined
  return Object.freeze({
    id: text.name ?? `${internal.text} -> ${external.text}`,
    kind: internal.kind,
    internal: internal.text,
    external: external.text,
    aliases,
    outboundOnly: text.outboundOnly ?? false,
    except,
    source: place,
    ...(text.name === undefined ? {} : { name: text.name }),
    ...(text.mode === undefined ? {} : { mode: text.mode }),
    internalKey: internal.key,
    externalKey: external.key,
    order,
  })
}

/** The text that would be read as this entry again. */
export function entryText(e: Entry): EntryText {
  return {
    internal: e.internal,
    external: e.external,
    ...(e.aliases.length === 0 ? {} : { aliases: e.aliases }),
    ...(e.outboundOnly ? { outboundOnly: true } : {}),
    ...(e.except.length === 0 ? {} : { except: e.except }),
    ...(e.name === undefined ? {} : { name: e.name }),
    ...(e.mode === undefined ? {} : { mode: e.mode }),
  }
}

function readSide(text: string, what: string, place: Place, wrong: Problem[]): Side | undefined {
  // A star is legal before the @, but nobody has one there: who writes it means a pattern.
  const side = text.includes('*') ? wildcard(text) : text.startsWith('@') ? domain(text) : exact(text)
  if (typeof side !== 'string') return side
  wrong.push(problem(place, `${what} is ${show(text)}, ${side}.`, remedyFor(text)))
  return undefined
}

function exact(text: string): Side | string {
  const address = parseAddress(text)
  if (address === undefined) return 'which is not an address'
  if (address.domain.startsWith('[')) return 'which has no domain after the @'
  if (isTooLong(text)) return 'which is longer than mail allows (64 octets before the @, 254 in all)'
  if (address.form !== 'person')
    return `which is a bounce address (${address.form.toUpperCase()}) and is never taken for a person`
  const spelling = spell(address)
  const key = addressKey(address)
  // Most addresses are their own key: then one string serves for both.
  return { kind: 'exact', text: spelling === key ? key : spelling, key }
}

function domain(text: string): Side | string {
  const name = domainKey(text.slice(1))
  return name === '' ? 'which is not @ and a domain' : { kind: 'domain', text: `@${name}`, key: `@${name}` }
}

function wildcard(text: string): Side | string {
  const name = text.startsWith('*.') ? domainKey(text.slice(2)) : ''
  return name === '' ? 'which is not a wildcard that exists' : { kind: 'wildcard', text: `*.${name}`, key: `*.${name}` }
}

function remedyFor(text: string): string {
  if (text.includes('*'))
    return 'The only wildcard is *.domain, the domain with all its subdomains; write *.contoso.com.'
  if (text.includes('@')) return 'Write one address such as ann@contoso.com, or @contoso.com for the whole domain.'
  return domainKey(text) === ''
    ? 'Write an address such as ann@contoso.com.'
    : `Write @${text} for the whole domain, or an address in it.`
}

function readAliases(text: EntryText, place: Place, wrong: Problem[]): readonly string[] {
  if (text.aliases === undefined || text.aliases.length === 0) return none
  const read = text.aliases.map((alias) => {
    const side = exact(alias)
    if (typeof side !== 'string') return side.text
    wrong.push(problem(place, `${show(text.internal)} has the alias ${show(alias)}, ${side}.`, remedyFor(alias)))
    return alias
  })
  return Object.freeze(read)
}

function readExcept(
  text: EntryText,
  internal: Side | undefined,
  place: Place,
  findings: Findings,
  wrong: Problem[],
): readonly string[] {
  if (text.except === undefined || text.except.length === 0) return none
  if (internal !== undefined && internal.kind !== 'wildcard') {
    wrong.push(
      problem(
        place,
        `The entry for ${internal.text} has exceptions.`,
        'Exceptions belong to *.domain entries only; remove `except`.',
      ),
    )
  }
  const read = text.except.map((name) => {
    const key = domainKey(name)
    if (key === '')
      wrong.push(
        problem(
          place,
          `The exception ${show(name)} is not a domain.`,
          'Write a domain such as legal.contoso.com; its subdomains go with it.',
        ),
      )
    else if (internal?.kind === 'wildcard' && !isUnder(key, internal.text.slice(2))) {
      findings.warnings.push(
        problem(
          place,
          `The exception ${key} does not lie under ${internal.text} and changes nothing.`,
          'Remove it, or correct its spelling.',
        ),
      )
    }
    return key
  })
  return Object.freeze(read)
}

function checkPair(text: EntryText, internal: Side, external: Side, place: Place, wrong: Problem[]): void {
  const add = (what: string, remedy: string): void => void wrong.push(problem(place, what, remedy))
  if (external.kind === 'wildcard')
    add(
      `external is ${external.text}, a wildcard.`,
      'A wildcard may stand under internal only; name the one domain that the world sees.',
    )
  else if ((internal.kind === 'exact') !== (external.kind === 'exact')) {
    add(
      `${internal.text} cannot become ${external.text}: one is an address, the other a domain.`,
      'Write two addresses, or two domains such as @contoso.com.',
    )
  }
  if (internal.kind === 'wildcard' && text.outboundOnly !== true) {
    add(
      `${internal.text} -> ${external.text} could not lead back: many domains become one.`,
      'Add outboundOnly: true, and give each of these people the new address as a further address in their tenant.',
    )
  }
  if (internal.kind !== 'exact' && (text.aliases?.length ?? 0) > 0)
    add(`The entry for ${internal.text} has aliases.`, 'Aliases belong to entries for one address; remove them.')
  if (text.mode !== undefined) checkMode(text.mode, text, internal, external, add)
}

function checkMode(
  mode: Mode,
  text: EntryText,
  internal: Side,
  external: Side,
  add: (what: string, remedy: string) => void,
): void {
  if (internal.kind !== 'exact' || text.outboundOnly === true) {
    add(`The entry for ${internal.text} has the mode ${mode}.`, 'Only people who move have a mode; remove it.')
    return
  }
  const atRest = mode === 'None' || mode === 'Done'
  if (atRest !== (internal.key === external.key) || (atRest && (text.aliases?.length ?? 0) === 0)) {
    const means = atRest
      ? 'internal and external are the same, and the first alias is the other address'
      : 'internal and external differ'
    add(
      `The entry for ${internal.text} says mode ${mode}, which does not fit its addresses.`,
      `In ${mode} ${means}; remove the mode, or use \`causeway directory set\`.`,
    )
  }
}
