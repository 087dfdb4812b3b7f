/**
 * Pieces of work of one message that are in hand at once, each for a lane. If each told its sender that it is late, he would have
 * a report for each: so those leave it, and when the last of them is done it is said once for all.
 */
type Message = { count: number; readonly left: Set<string>; leftAt: number | undefined }

/** One that takes very long does not keep the sender from hearing of the others. */
const longestMs = 2 * 60_000

export class Together {
  readonly #messages = new Map<string, Message>()
  #turn: Promise<unknown> = Promise.resolve()

  /** Who looks for what is late does so alone: for a moment he holds recipients whom another one would have to name. */
  alone<T>(what: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(what)
    this.#turn = mine.catch(() => {})
    return mine
  }

  begin(id: string): void {
    const there = this.#messages.get(id)
    if (there === undefined) this.#messages.set(id, { count: 1, left: new Set(), leftAt: undefined })
    else there.count += 1
  }

  /** It is to be told that it is late in this lane; `own` of those in hand would tell it. False: nobody else will. */
  leaves(id: string, lane: string, now: number, own: 0 | 1): boolean {
    const there = this.#messages.get(id)
    if (there === undefined || there.count <= own) return false
    there.leftAt ??= now
    if (now - there.leftAt > longestMs) return false
    there.left.add(lane)
    return true
  }

  /** The lanes where it was left to the last one, and this was it; nothing while there are others. */
  end(id: string): readonly string[] {
    const there = this.#messages.get(id)
    if (there === undefined) return []
    there.count -= 1
    if (there.count > 0) return []
    this.#messages.delete(id)
    return [...there.left]
  }
}
