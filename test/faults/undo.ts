/**
 * What is set up on the machine is taken away in the end, by the one who set it up. This is for the case that nobody comes to
 * that: an interrupt, an error that nobody caught.
 */
const waiting = new Set<() => void>()

/** `undo` is run when this process ends; the answer says that it has been done. */
export function undoAtExit(undo: () => void): () => void {
  waiting.add(undo)
  return () => void waiting.delete(undo)
}

// The last one first: a file system is in use as long as the program runs.
process.once('exit', () => {
  for (const undo of [...waiting].toReversed()) {
    try {
      undo()
    } catch (error) {
      console.error('could not clean up:', error)
    }
  }
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
