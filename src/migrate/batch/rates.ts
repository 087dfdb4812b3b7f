/** How much goes through, measured: at this moment, and over the last minutes for an estimate of the rest. */

export type Rate = { readonly messagesPerSecond: number; readonly bytesPerSecond: number }
export type Meter = {
  add(messages: number, bytes: number): void
  /** Over the last so many seconds, 600 at most. */
  over(seconds: number): Rate
}

const slots = 600

/** One slot a second, in a ring. */
export function makeMeter(now: () => number): Meter {
  const messages = new Float64Array(slots)
  const bytes = new Float64Array(slots)
  const began = Math.floor(now() / 1000)
  let last = began
  const advance = (): number => {
    const second = Math.floor(now() / 1000)
    for (let at = Math.max(last + 1, second - slots + 1); at <= second; at += 1) {
      messages[at % slots] = 0
      bytes[at % slots] = 0
    }
    last = Math.max(last, second)
    return last
  }
  return {
    add(m, b) {
      const slot = advance() % slots
      messages[slot] = (messages[slot] ?? 0) + m
      bytes[slot] = (bytes[slot] ?? 0) + b
    },
    over(seconds) {
      const second = advance()
      // What began a moment ago is not divided by time in which there was nothing.
      const span = Math.max(1, Math.min(seconds, slots, second - began + 1))
      let [m, b] = [0, 0]
      for (let at = second - span + 1; at <= second; at += 1) {
        m += messages[at % slots] ?? 0
        b += bytes[at % slots] ?? 0
      }
      return { messagesPerSecond: m / span, bytesPerSecond: b / span }
    },
  }
}

export type Rest = { readonly messages: number; readonly bytes: number }

/** Small messages cost by their number, large ones by their bytes: whichever takes longer decides. undefined: nothing moves. */
export function secondsFor(rest: Rest, rate: Rate): number | undefined {
  if (rest.messages <= 0 && rest.bytes <= 0) return 0
  const times = [
    rest.messages > 0 ? rest.messages / rate.messagesPerSecond : 0,
    rest.bytes > 0 ? rest.bytes / rate.bytesPerSecond : 0,
  ]
  const seconds = Math.max(...times)
  return Number.isFinite(seconds) ? Math.ceil(seconds) : undefined
}
