/** A DNS made up of a table, for what asks a `RecordResolver`. Names that do not stand there do not exist. */
import type { RecordAnswer, RecordResolver } from '../../src/dns/dns.ts'

/** Records by type; `unknown` for the types that are not listed: the server does not answer for them. */
export type MadeUpName = {
  readonly [type in 'A' | 'AAAA' | 'PTR' | 'TXT' | 'CNAME']?: readonly string[]
} & {
  readonly MX?: readonly { readonly host: string; readonly preference: number }[]
  readonly unknown?: true
}
export type MadeUpDns = RecordResolver & { readonly asked: string[] }

export function madeUpDns(names: Readonly<Record<string, MadeUpName>>): MadeUpDns {
  const byKey = new Map(Object.entries(names).map(([name, made]) => [keyOf(name), made]))
  const asked: string[] = []
  /** As a resolver does: what an alias stands for. */
  const target = (name: string): string => {
    const alias = byKey.get(keyOf(name))?.CNAME?.[0]
    return alias === undefined ? keyOf(name) : target(alias)
  }
  function look<T>(type: keyof MadeUpName, name: string, of: (made: MadeUpName) => readonly T[] | undefined) {
    asked.push(`${type} ${keyOf(name)}`)
    const made = byKey.get(type === 'CNAME' ? keyOf(name) : target(name))
    const found = made && of(made)
    if (found !== undefined) return { kind: 'found', value: found } as const
    if (made?.unknown) return { kind: 'unknown', why: 'made to be silent' } as const
    return { kind: 'absent', nameExists: made !== undefined } as const
  }
  const records: RecordResolver['records'] = async (type, name): Promise<RecordAnswer<readonly string[]>> =>
    look(type, name, (made) => made[type])
  return {
    asked,
    records,
    mx: async (name) => look('MX', name, (made) => made.MX),
    txt: (name) => records('TXT', name),
    addresses: async () => ({ kind: 'unknown', why: 'nobody asks for it' }),
    ns: async () => ({ kind: 'unknown', why: 'nobody asks for it' }),
    cname: async () => ({ kind: 'unknown', why: 'nobody asks for it' }),
    close() {},
  }
}

const keyOf = (name: string): string => name.toLowerCase().replace(/\.$/, '')
