/** An attack, what must come of it, and what did: one line of the table that `npm run test:border` prints. */

export type Row = {
  readonly family: string
  readonly attack: string
  readonly expected: string
  readonly happened: string
  readonly held: boolean
}

/** What was seen. It may be longer than the table is wide: the end is cut there. */
export type Seen = { readonly held: boolean; readonly happened: string }

/** Tries one attack. What throws did not hold. */
export type Try = (attack: string, expected: string, run: () => Promise<Seen>) => Promise<void>

export type Family = {
  /** The word that chooses it: `node test/border/border.ts relay`. */
  readonly name: string
  readonly title: string
  /** Why it cannot run on this machine; undefined: it can. */
  readonly cannot?: () => string | undefined
  /** There is no form of it that is short enough for `npm test`. */
  readonly isLong?: true
  readonly run: (o: RunOptions) => Promise<void>
}

export type RunOptions = {
  readonly attempt: Try
  /** Seconds instead of minutes: for `npm test`. */
  readonly isShort: boolean
  /** Keeps what a program that is not ours has printed. */
  readonly keep: (name: string, text: string) => void
}

/** Runs a family and gathers its rows. */
export async function play(
  family: Family,
  o: Omit<RunOptions, 'attempt'> & { readonly told?: (row: Row) => void },
): Promise<readonly Row[]> {
  const rows: Row[] = []
  const attempt: Try = async (attack, expected, run) => {
    const { held, happened } = await run().catch(brokeOff)
    const row = { family: family.name, attack, expected, happened, held }
    rows.push(row)
    o.told?.(row)
  }
  await family
    .run({ ...o, attempt })
    .catch((error: unknown) => attempt('what it is played on', 'stands', () => Promise.reject(error)))
  return rows
}

const brokeOff = (error: unknown): Seen => ({ held: false, happened: `BROKE OFF: ${String(error)}` })

/** Several things that must hold, told as one; the first that does not is what happened. */
export function all(happened: string, ...checks: readonly (readonly [holds: boolean, otherwise: string])[]): Seen {
  const failed = checks.find(([holds]) => !holds)
  return failed === undefined ? { held: true, happened } : { held: false, happened: failed[1] }
}

const ourIds = / id=[0-9a-f-]{36}/g
const columns = { attack: 62, expected: 46, happened: 64 } as const

export const heading: readonly string[] = [
  line('ATTACK', 'EXPECTED', 'WHAT HAPPENED', ''),
  '-'.repeat(columns.attack + columns.expected + columns.happened + 15),
]

/** `forged secret header    550 5.7.1, nothing sent    550 5.7.1 relaying denied ...    held` */
export function rowLine({ attack, expected, happened, held }: Row): string {
  return line(attack, expected, happened, held ? 'held' : 'NOT HELD')
}

function line(attack: string, expected: string, happened: string, verdict: string): string {
  const { attack: a, expected: e, happened: h } = columns
  return `${cell(attack, a)}  ${cell(expected, e)}  ${cell(happened, h)}  ${verdict}`.trimEnd()
}

/** What an attacker wrote is shown, not obeyed. */
function cell(text: string, width: number): string {
  const visible = shown(text).replaceAll(ourIds, '')
  return visible.length > width ? `${visible.slice(0, width - 3)}...` : visible.padEnd(width)
}

/** Control characters and what is not ASCII, as \xNN. */
export function shown(text: string): string {
  return text.replaceAll(/[^ -~]/g, (c) => `\\x${(c.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`)
}
