/**
 * Our resolver in the shape that the checks ask in. The three answers stay apart: what does not exist has the codes that
 * Node's own resolver gives, and what is not known has a code that every check takes for a temporary failure.
 */
import type { RecordAnswer, RecordResolver, RecordType } from '../../dns/dns.ts'

/** Records in the form of `dns.promises.resolve`, or the code of the error that it would throw. */
export type Asked =
  | { readonly kind: 'found'; readonly records: readonly unknown[] }
  | { readonly kind: 'failed'; readonly code: 'ENOTFOUND' | 'ENODATA' | 'ESERVFAIL'; readonly why: string }

export type Ask = (name: string, type: string) => Promise<Asked>

/** More than any honest message needs: SPF asks 10 and what they lead to, each signature 1, DMARC 8 for each domain. */
const maxQuestions = 250

/** Questions for one message. From `timeUp` on nothing is asked, and what is open is not known. */
export function makeQuestions(resolver: RecordResolver, timeUp: Promise<string>): Ask {
  let asked = 0
  const late = timeUp.then(unknown)
  return (name, type) => {
    asked += 1
    if (asked > maxQuestions) return Promise.resolve(unknown('too many questions for one message'))
    return Promise.race([askOne(resolver, name, type), late])
  }
}

const recordTypes: ReadonlySet<string> = new Set(['A', 'AAAA', 'PTR', 'TXT', 'CNAME'] satisfies RecordType[])
const isRecordType = (type: string): type is RecordType => recordTypes.has(type)

async function askOne(resolver: RecordResolver, name: string, type: string): Promise<Asked> {
  if (type === 'MX') {
    const mx = await resolver.mx(name)
    if (mx.kind !== 'absent') return told(mx, ({ host, preference }) => ({ exchange: host, priority: preference }))
    return { kind: 'failed', code: 'ENODATA', why: mx.why ?? '' }
  }
  if (!isRecordType(type)) return unknown(`no questions of type ${type}`)
  return told(await resolver.records(type, name), (text) => (type === 'TXT' ? [text] : text))
}

function told<T>(answer: RecordAnswer<readonly T[]>, form: (record: T) => unknown): Asked {
  switch (answer.kind) {
    case 'found':
      return { kind: 'found', records: answer.value.map(form) }
    case 'absent':
      return { kind: 'failed', code: answer.nameExists ? 'ENODATA' : 'ENOTFOUND', why: answer.why ?? 'no such record' }
    case 'unknown':
      return unknown(answer.why)
  }
}

const unknown = (why: string): Asked => ({ kind: 'failed', code: 'ESERVFAIL', why })
