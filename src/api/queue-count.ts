/** Counting what a filter fits, page by page and up to a bound: for who wants to know before it is done. */
import type { Filter, KeptRecipient, Listed, Queue } from '../queue/queue.ts'

export type Counted = {
  readonly recipients: number
  readonly messages: number
  /** The bound was reached: there are more. */
  readonly isAtLeast: boolean
  /** The first ones, each with its first recipients. */
  readonly examples: readonly Listed[]
}
type CountOptions = {
  readonly most?: number
  readonly examples?: number
  readonly only?: (listed: Listed, recipient: KeptRecipient) => boolean
}

const pageSize = 1000
const mostCounted = 10_000
const recipientsOfExample = 10

export async function countOf(queue: Queue, filter: Filter, o: CountOptions = {}): Promise<Counted> {
  const { most = mostCounted, examples: wanted = 0, only = () => true } = o
  const found: Listed[] = []
  let [recipients, messages, next] = [0, 0, undefined as string | undefined]
  do {
    const page = await queue.list(filter, {
      limit: pageSize,
      isWhole: true,
      ...(next === undefined ? {} : { after: next }),
    })
    for (const listed of page.items) {
      const fitting = listed.recipients.filter((recipient) => only(listed, recipient))
      if (fitting.length === 0) continue
      recipients += fitting.length
      messages += 1
      if (found.length < wanted) found.push(example(listed, fitting))
    }
    next = page.next
  } while (next !== undefined && recipients < most)
  return { recipients, messages, isAtLeast: next !== undefined, examples: found }
}

function example(listed: Listed, fitting: readonly KeptRecipient[]): Listed {
  const more = fitting.length - recipientsOfExample
  return { ...listed, recipients: fitting.slice(0, recipientsOfExample), ...(more > 0 && { more }) }
}

/** "1 recipient", "10000 recipients and more". */
export function recipientsText(count: number, isAtLeast = false): string {
  return `${count} recipient${count === 1 ? '' : 's'}${isAtLeast ? ' and more' : ''}`
}
