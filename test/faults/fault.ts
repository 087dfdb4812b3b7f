/** What a fault is: a promise of docs/faults.md, put to the test with a count at the end. */
import type { Count } from './ledger.ts'

export type Fault = {
  /** F1, F2 ... as in docs/faults.md. */
  readonly id: string
  readonly title: string
  /** Why it cannot run on this machine; undefined: it can. */
  readonly cannot?: () => string | undefined
  /** There is no form of it that is short enough for `npm test`. */
  readonly isLong?: true
  readonly run: (o: RunOptions) => Promise<Finding>
}

export type RunOptions = {
  /** Seconds instead of minutes: for `npm test`. */
  readonly isShort: boolean
  /** Tells how far it is. */
  readonly say: (line: string) => void
}

export type Finding = {
  readonly count: Count
  /** What was done, in a few words: `20 rounds`. */
  readonly did: string
  /** What was measured: `RSS grew by 41 MB`. */
  readonly measured?: string
  /** Promises that did not hold, as sentences. */
  readonly broken: readonly string[]
}

/** Promises are checked one by one, so that one that is broken does not hide another. */
export type Checks = {
  /** `sentence` says what was found instead. */
  readonly must: (holds: boolean, sentence: string) => void
  readonly broken: readonly string[]
}

export function makeChecks(): Checks {
  const broken: string[] = []
  return {
    broken,
    must(holds, sentence) {
      if (!holds) broken.push(sentence)
    },
  }
}

/** What holds for every fault: nothing lost, nothing altered, no copy too many, and the program's own books agree. */
export function brokenCounts(count: Count): readonly string[] {
  const checks = makeChecks()
  checks.must(count.lost === 0, `${count.lost} lost, such as ${count.examples.lost.join(', ')}`)
  checks.must(count.altered === 0, `${count.altered} altered, such as ${count.examples.altered.join(', ')}`)
  checks.must(
    count.doubled <= count.allowed,
    `${count.doubled} doubled, ${count.allowed} allowed; such as ${count.examples.doubled.join(', ')}`,
  )
  checks.must(count.both === 0, `${count.both} have two ends, such as ${count.examples.both.join(', ')}`)
  return checks.broken
}

const number = (n: number): string => n.toLocaleString('en-US')

/** `F1  kill -9 under load: 20 rounds, accepted 5,312, ... held` */
export function findingLine(fault: Fault, { count, did, measured, broken }: Finding): string {
  const rest = [
    count.kept > 0 ? `kept ${number(count.kept)}` : '',
    count.returned > 0 ? `returned ${number(count.returned)}` : '',
    count.dropped > 0 ? `dropped ${number(count.dropped)}` : '',
  ].filter((part) => part !== '')
  const parts = [
    did,
    `accepted ${number(count.accepted)}`,
    `delivered ${number(count.delivered)}`,
    ...rest,
    `lost ${number(count.lost)}`,
    `altered ${number(count.altered)}`,
    `doubled ${number(count.doubled)} (allowed ${number(count.allowed)})`,
    ...(measured === undefined ? [] : [measured]),
  ]
  const verdict = broken.length === 0 ? 'held' : 'DID NOT HOLD'
  return `${fault.id.padEnd(4)} ${fault.title}: ${parts.join(', ')}  ${verdict}`
}
