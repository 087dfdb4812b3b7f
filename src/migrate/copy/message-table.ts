/** Facts of many messages in little memory: half a million of them are 14 MB. */

export class MessageTable {
  #count = 0
  #uids = new Uint32Array(64)
  #sizes = new Float64Array(64)
  #dates = new Float64Array(64)

  get length(): number {
    return this.#count
  }

  /** `date` in seconds since 1970. */
  add(uid: number, size: number, date: number | undefined): void {
    if (this.#count === this.#uids.length) this.#grow()
    this.#uids[this.#count] = uid
    this.#sizes[this.#count] = size
    this.#dates[this.#count] = date ?? Number.NaN
    this.#count += 1
  }

  uid(i: number): number {
    return this.#uids[i] ?? 0
  }

  size(i: number): number {
    return this.#sizes[i] ?? 0
  }

  /** NaN when unknown. */
  date(i: number): number {
    return this.#dates[i] ?? Number.NaN
  }

  /** Where a UID stands; quick, because UIDs were added as they ascend, or nearly so. */
  rowOf(uid: number): number | undefined {
    let [low, high] = [0, this.#count]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.uid(middle) < uid) low = middle + 1
      else high = middle
    }
    if (this.uid(low) === uid && low < this.#count) return low
    const row = this.#uids.subarray(0, this.#count).indexOf(uid)
    return row < 0 ? undefined : row
  }

  uids(): readonly number[] {
    return Array.from(this.#uids.subarray(0, this.#count))
  }

  /** Rows that pass, in their order. */
  filter(keep: (uid: number) => boolean): MessageTable {
    const kept = new MessageTable()
    for (let i = 0; i < this.#count; i += 1) {
      if (keep(this.uid(i))) kept.add(this.uid(i), this.size(i), this.date(i))
    }
    return kept
  }

  #grow(): void {
    const length = this.#count * 2
    const [uids, sizes, dates] = [new Uint32Array(length), new Float64Array(length), new Float64Array(length)]
    uids.set(this.#uids)
    sizes.set(this.#sizes)
    dates.set(this.#dates)
    this.#uids = uids
    this.#sizes = sizes
    this.#dates = dates
  }
}
