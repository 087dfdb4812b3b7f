/** The command line of the benchmark. */
import { parseArgs } from 'node:util'
import { type Cell, cellWords, chooseCells } from './work.ts'

export const usage = `npm run bench -- [options]       Causeway beside Postfix + OpenDKIM, on this machine, in one run
  --quick            one repetition, two seconds each, short warm-up: to see that everything works
  --only WORDS       some cells: ${cellWords.join(', ')}; for example --only 4k,c20
  --seconds N        length of one measurement (4)
  --repetitions N    how often each is measured; the table shows medians (3)
  --warm N           seconds of load before anything is measured (20; with TLS 40)
  --cores HOW        split: the measured server has one core, load and next hop another (default where there are two);
                     shared: everything may use every core
  --alone            Causeway alone, without Postfix
  --profile DIR      CPU profiles of Causeway into DIR, and its hottest functions for each cell
  --json FILE        every figure of every repetition
`

export type Options = {
  readonly cells: readonly Cell[]
  readonly seconds: number
  readonly repetitions: number
  readonly warmSeconds: (isTls: boolean) => number
  readonly cores: 'split' | 'shared' | undefined
  readonly isAlone: boolean
  readonly profileDir: string | undefined
  readonly jsonFile: string | undefined
}

/** The options, or what is wrong with them. */
export function readOptions(args: readonly string[]): Options | { readonly wrong: string } {
  try {
    return understood(parse(args))
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) }
  }
}

function parse(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      seconds: { type: 'string' },
      repetitions: { type: 'string' },
      warm: { type: 'string' },
      cores: { type: 'string' },
      alone: { type: 'boolean', default: false },
      profile: { type: 'string' },
      json: { type: 'string' },
    },
  })
  return values
}

function understood(values: ReturnType<typeof parse>): Options {
  const { quick } = values
  const words = values.only.split(',').filter((word) => word !== '')
  const unknown = words.find((word) => !cellWords.includes(word))
  if (unknown !== undefined) throw new Error(`--only does not know ${unknown}`)
  const cells = chooseCells(words)
  if (cells.length === 0) throw new Error(`no cell is ${words.join(' and ')}`)
  const { cores } = values
  if (cores !== undefined && cores !== 'split' && cores !== 'shared') throw new Error('--cores is split or shared')
  const warm = values.warm === undefined ? undefined : number('warm', values.warm)
  return {
    cells,
    seconds: number('seconds', values.seconds ?? (quick ? '2' : '4')),
    repetitions: number('repetitions', values.repetitions ?? (quick ? '1' : '3')),
    warmSeconds: (isTls) => warm ?? (quick ? 3 : isTls ? 40 : 20),
    cores,
    isAlone: values.alone,
    profileDir: values.profile,
    jsonFile: values.json,
  }
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value > 0 && value <= 3600) return value
  throw new Error(`--${name} takes a number of up to 3600, not ${text}`)
}
