/**
 * Pieces of large messages are dead soon after they were sent on, but they lie outside of the collector's heap, where it looks late:
 * only when there are 64 MB more of them. So it is called earlier. One count for all connections, for they share one memory.
 */
const mebibyte = 1024 * 1024
const enough = 16 * mebibyte

let litter = 0
let isCalled = false

/** There with `--expose-gc`, which bin/causeway says. */
export function leaveLitter(bytes: number): void {
  litter += bytes
  if (litter < enough || isCalled) return
  isCalled = true
  // When those who have just finished have let go.
  setImmediate(() => {
    isCalled = false
    litter = 0
    globalThis.gc?.()
  })
}
