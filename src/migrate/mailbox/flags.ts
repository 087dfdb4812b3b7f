/** Flags and keywords, compared as IMAP does: case is ignored (RFC 9051 section 2.3.2). */

const system = new Map(
  ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'].map((flag) => [flag.toLowerCase(), flag]),
)

/**
 * One spelling for one set: system flags as the RFC writes them, keywords as they came, sorted, each once; without
 * \Recent, which is the server's own.
 */
export function canonicalFlags(flags: readonly string[]): readonly string[] {
  if (flags.length === 0) return flags
  const kept = new Map<string, string>()
  for (const flag of flags) {
    const key = flag.toLowerCase()
    if (key !== '\\recent' && !kept.has(key)) kept.set(key, system.get(key) ?? flag)
  }
  return [...kept].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, flag]) => flag)
}

export function isKeyword(flag: string): boolean {
  return !flag.startsWith('\\')
}

export function hasFlag(flags: readonly string[], flag: string): boolean {
  const wanted = flag.toLowerCase()
  return flags.some((f) => f.toLowerCase() === wanted)
}

/** In `flags` and not in `others`. */
export function without(flags: readonly string[], others: readonly string[]): readonly string[] {
  const keys = new Set(others.map((flag) => flag.toLowerCase()))
  return flags.filter((flag) => !keys.has(flag.toLowerCase()))
}
