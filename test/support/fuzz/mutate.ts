/** Makes a new input from old ones: what a parser stumbles over is rarely far from what it reads every day. */
import type { Random } from './random.ts'

export type Breeding = {
  readonly random: Random
  readonly corpus: readonly Buffer[]
  readonly tokens: readonly Buffer[]
  readonly maxBytes: number
}

type Mutation = (input: Buffer, b: Breeding) => Buffer

/** Bytes at which grammars turn. */
const turning = Buffer.from('\0\t\n\r "\'(),.:;<=>@[\\]%+-0\x7f\x80\xff', 'latin1')

const mutations: readonly Mutation[] = [
  (input, b) => splice(input, b.random.below(input.length + 1), 0, token(b)),
  (input, b) => splice(input, b.random.below(input.length + 1), 0, token(b)),
  (input, { random }) => splice(input, random.below(input.length + 1), 0, oneByte(random)),
  (input, { random }) => splice(input, random.below(input.length), 1, oneByte(random)),
  (input, { random }) => splice(input, random.below(input.length), 1 + random.below(16), nothing),
  (input, { random }) => {
    const at = random.below(input.length)
    const piece = input.subarray(at, at + 1 + random.below(64))
    const times = 1 + random.below(random.below(8) === 0 ? 500 : 4)
    return splice(input, at, 0, Buffer.concat(Array.from({ length: times }, () => piece)))
  },
  (input, { random, corpus }) => {
    const other = random.oneOf(corpus) ?? nothing
    return Buffer.concat([
      input.subarray(0, random.below(input.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ])
  },
  (input, { random }) => input.subarray(0, random.below(input.length + 1)),
]

const nothing = Buffer.alloc(0)

/** One to five steps away from an input of the corpus. */
export function breed(b: Breeding): Buffer {
  let input = b.random.oneOf(b.corpus) ?? nothing
  for (let steps = 1 + b.random.below(5); steps > 0; steps -= 1) {
    input = b.random.oneOf(mutations)?.(input, b) ?? input
  }
  return input.subarray(0, b.maxBytes)
}

function token({ random, tokens }: Breeding): Buffer {
  return random.oneOf(tokens) ?? oneByte(random)
}

function oneByte(random: Random): Buffer {
  return Buffer.from([random.below(2) === 0 ? (turning[random.below(turning.length)] ?? 0) : random.below(256)])
}

function splice(input: Buffer, at: number, remove: number, insert: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), insert, input.subarray(at + remove)])
}
