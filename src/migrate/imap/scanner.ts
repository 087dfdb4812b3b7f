import type { Frame, Skipped } from './response-reader.ts'

/** null is NIL. Atoms and quoted strings are text (latin1). */
export type Value = null | string | Buffer | Skipped | readonly Value[]

export type ScanLimits = { readonly maxNesting: number; readonly maxValues: number }

const digits = /\d{1,15}/y
/** More than RFC 9051 section 9 allows in an atom: what servers really send, up to the next space or parenthesis. */
const word = /[^\s()"]+/y

/**
 * Walks once through the data of one response. The first thing that is not as expected is kept in `fault`, and from there on
 * every method answers with nothing, so that whoever asks needs to look at `fault` only in the end (and in his loops).
 */
export class Scanner {
  fault: string | undefined
  readonly #frame: Frame
  readonly #limits: ScanLimits
  #part = 0
  #text: string
  #at: number
  #values = 0

  constructor(frame: Frame, at: number, limits: ScanLimits) {
    this.#frame = frame
    this.#limits = limits
    this.#text = frame[0]
    this.#at = at
  }

  fail(why: string): void {
    this.fault ??= why
    this.#at = this.#text.length
    this.#part = this.#frame.length
  }

  /** QUIRK: spaces are passed over where there should be none; outlook.office365.com ends STATUS with one. */
  skipSpaces(): void {
    while (this.#text.charCodeAt(this.#at) === 32) this.#at += 1
  }

  get isAtEnd(): boolean {
    this.skipSpaces()
    return this.#at >= this.#text.length && this.#part >= this.#frame.length - 1
  }

  /** Takes the character if it is the next one. */
  takes(character: string): boolean {
    this.skipSpaces()
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  expect(character: string): void {
    if (!this.takes(character)) this.fail(`there is no ${character} where one must be`)
  }

  /** A whole number, 0 when there is none (with a fault). */
  number(): number {
    const found = this.#match(digits)
    if (found === undefined) this.fail('there is no number where one must be')
    return Number(found ?? 0)
  }

  /** An atom, '' when there is none (with a fault). */
  atom(): string {
    const found = this.#match(word)
    if (found === undefined) this.fail('there is no word where one must be')
    return found ?? ''
  }

  /** Text up to a character, from right here and without it: for what has a grammar of its own. */
  until(character: string): string {
    const end = this.#text.indexOf(character, this.#at)
    if (end === -1) {
      this.fail(`there is no ${character} where one must be`)
      return ''
    }
    const found = this.#text.slice(this.#at, end)
    this.#at = end + 1
    return found
  }

  /** A name: atom, quoted or literal. undefined for anything else. */
  astring(): string | undefined {
    const value = this.value()
    return typeof value === 'string' ? value : Buffer.isBuffer(value) ? value.toString('latin1') : undefined
  }

  value(depth = 0): Value {
    this.#values += 1
    if (this.#values > this.#limits.maxValues) this.fail('a response has too many parts')
    this.skipSpaces()
    const next = this.#text[this.#at]
    if (next === '"') return this.#quoted()
    if (next === '(') return this.#list(depth + 1)
    if (next === undefined) return this.#literal()
    const found = this.atom()
    return found.toUpperCase() === 'NIL' ? null : found
  }

  #literal(): Value {
    const found = this.#frame[this.#part + 1]
    const after = this.#frame[this.#part + 2]
    if (found === undefined || typeof found === 'string' || typeof after !== 'string') {
      this.fail('it ends before its end')
      return null
    }
    this.#part += 2
    this.#text = after
    this.#at = 0
    return found
  }

  #list(depth: number): Value {
    this.#at += 1
    if (depth > this.#limits.maxNesting) this.fail('a response is nested too deeply')
    const items: Value[] = []
    while (this.fault === undefined && !this.takes(')')) items.push(this.value(depth))
    return items
  }

  /** RFC 9051 section 9, quoted: a backslash makes the next character itself. */
  #quoted(): string {
    let from = this.#at + 1
    let found = ''
    for (let at = from; at < this.#text.length; at += 1) {
      const c = this.#text.charCodeAt(at)
      if (c === 34) {
        this.#at = at + 1
        return found + this.#text.slice(from, at)
      }
      if (c !== 92) continue
      found += this.#text.slice(from, at)
      at += 1
      from = at
    }
    this.fail('a quoted string does not end')
    return ''
  }

  #match(pattern: RegExp): string | undefined {
    this.skipSpaces()
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }
}
