import type { Attempt, Outcome } from './attempt.ts'

/** The patience of a caller. Whoever works for it says in `stop` what to break off when it ends. */
export type Patience = { over: boolean; stop: (() => void) | undefined }

/** One attempt while it runs: outcomes fill up as they become known. */
export type Run = {
  readonly attempt: Attempt
  readonly patience: Patience
  readonly outcomes: (Outcome | undefined)[]
  /** The last byte of the message has been written and not been answered. */
  uncertain: boolean
  /** MAIL was said. */
  reached: boolean
}

export function newRun(attempt: Attempt): Run {
  const outcomes = attempt.recipients.map(() => undefined)
  return { attempt, patience: { over: false, stop: undefined }, outcomes, uncertain: false, reached: false }
}

/** The recipients without an outcome, as places in `recipients`. */
export function openOnes(run: Run): number[] {
  return run.outcomes.flatMap((outcome, i) => (outcome === undefined ? [i] : []))
}

export function settle(run: Run, who: readonly number[], outcome: Outcome): void {
  for (const i of who) run.outcomes[i] ??= outcome
}
