/** Which message connections die of: told by what was under way each time, over all attempts of a pass. */

export class Blame {
  readonly #counts = new Map<string, number>()

  /** A connection was lost while this one was read or sent. */
  add(pair: number, uid: number): void {
    const key = `${pair}:${uid}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  clear(pair: number, uid: number): void {
    if (this.#counts.size > 0) this.#counts.delete(`${pair}:${uid}`)
  }

  /** Goes last, and alone. */
  isSuspect(pair: number, uid: number): boolean {
    return this.#counts.size > 0 && (this.#counts.get(`${pair}:${uid}`) ?? 0) >= suspectFrom
  }

  /** Has had its chances alone. */
  isGuilty(pair: number, uid: number): boolean {
    return (this.#counts.get(`${pair}:${uid}`) ?? 0) >= guiltyFrom
  }
}

const suspectFrom = 3
const guiltyFrom = 5
