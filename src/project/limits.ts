/** The few limits that a project may set; docs/decisions/limits.md says why these. */
import { readSize, sizeText } from './measures.ts'
import type { GatewayLimits } from './model.ts'
import { show } from './names.ts'
import type { Reading } from './reading.ts'
import type { ProjectDocument } from './schema.ts'
import type { Path } from './yaml-file.ts'

type Written = NonNullable<ProjectDocument['gateway']['limits']>

/** Less would refuse mail that everybody sends; more is taken nowhere in Microsoft 365. */
const size = { least: 1e6, most: 150e6 } as const

export function readLimits(reading: Reading, path: Path, written: Written): GatewayLimits {
  const { messageSize, ...counts } = written
  const bytes = messageSize === undefined ? undefined : readMessageSize(reading, [...path, 'messageSize'], messageSize)
  checkParts(reading, path, counts)
  return { ...counts, ...(bytes === undefined ? {} : { messageBytes: bytes }) }
}

function readMessageSize(reading: Reading, path: Path, text: string): number | undefined {
  const bytes = readSize(text)
  if (bytes !== undefined && bytes >= size.least && bytes <= size.most) return bytes
  const is = bytes === undefined ? 'which is not a size' : 'which is out of bounds'
  const what = `gateway.limits.messageSize is ${show(text)}, ${is}.`
  return reading.wrong(path, what, `Write a size from ${sizeText(size.least)} to ${sizeText(size.most)}, such as 35MB.`)
}

/** A part that is larger than the whole was meant otherwise. */
function checkParts(reading: Reading, path: Path, counts: Omit<Written, 'messageSize'>): void {
  const { connections } = counts
  if (connections === undefined) return
  for (const part of ['connectionsPerSource', 'connectionsPerTenant'] as const) {
    const value = counts[part]
    if (value !== undefined && value > connections)
      reading.wrong(
        [...path, part],
        `gateway.limits.${part} is ${value}, more than gateway.limits.connections (${connections}) in all.`,
        'Make the part smaller, or the whole larger.',
      )
  }
}
