/** UIDs and sizes that a listing told, in twelve bytes each: a folder may hold half a million. */
export class SizeBook {
  #uids = new Uint32Array(64)
  #sizes = new Float64Array(64)
  #count = 0

  /** Ascending; what is not above the last one is known already. */
  note(uid: number, size: number): void {
    if (this.#count > 0 && uid <= (this.#uids[this.#count - 1] ?? 0)) return
    if (this.#count === this.#uids.length) this.#grow()
    this.#uids[this.#count] = uid
    this.#sizes[this.#count] = size
    this.#count += 1
  }

  sizeOf(uid: number): number | undefined {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#uids[middle] ?? 0) < uid) low = middle + 1
      else high = middle
    }
    return low < this.#count && this.#uids[low] === uid ? this.#sizes[low] : undefined
  }

  #grow(): void {
    const [uids, sizes] = [new Uint32Array(this.#uids.length * 2), new Float64Array(this.#sizes.length * 2)]
    uids.set(this.#uids)
    sizes.set(this.#sizes)
    this.#uids = uids
    this.#sizes = sizes
  }
}
