/** Sets of UIDs as text (RFC 9051 section 9, sequence-set), and back. */

/**
 * Ascending UIDs as sets of at most `maxLength` characters and `maxCount` UIDs. Only UIDs that were given are in a set: a range
 * over a gap would name what nobody asked for.
 */
export function* uidSets(
  uids: readonly number[],
  maxLength = 7000,
  maxCount = Number.POSITIVE_INFINITY,
): Generator<string> {
  let set = ''
  let count = 0
  for (let i = 0; i < uids.length; ) {
    const first = i
    while (i + 1 < uids.length && uids[i + 1] === (uids[i] ?? 0) + 1 && i - first + count + 1 < maxCount) i += 1
    const run = i === first ? `${uids[first]}` : `${uids[first]}:${uids[i]}`
    if (set !== '' && (set.length + run.length >= maxLength || count >= maxCount)) {
      yield set
      set = ''
      count = 0
    }
    set += set === '' ? run : `,${run}`
    count += i - first + 1
    i += 1
  }
  if (set !== '') yield set
}

/** The set in full, in its order; undefined when it is no set or holds more than `max`: four characters may name four billion. */
export function expandSet(set: string, max: number): number[] | undefined {
  const out: number[] = []
  for (const range of set.split(',')) {
    const found = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(range)
    if (found === null) return undefined
    const from = Number(found[1])
    const to = Number(found[2] ?? found[1])
    const [low, high] = from <= to ? [from, to] : [to, from]
    if (low < 1 || high > 0xffff_ffff || out.length + (high - low) + 1 > max) return undefined
    for (let uid = low; uid <= high; uid += 1) out.push(uid)
  }
  return out
}
