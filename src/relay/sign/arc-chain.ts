/** The ARC sets that a message brings (RFC 8617 section 4.2). */
import { type Field, fieldValue, type Header, unfold } from '../../mail/header/header.ts'

export type ArcSet = { readonly results: Field; readonly signature: Field; readonly seal: Field }

export type ArcChain = {
  /** From i=1 on; undefined when a set is incomplete, there twice or missing. */
  readonly sets: readonly ArcSet[] | undefined
  /** The highest i= on any ARC field, 0 without one. */
  readonly highest: number
  /** The newest seal says cv=fail: nothing may follow it (RFC 8617 section 5.1 step 2). */
  readonly hasFailed: boolean
}

const keys = ['arc-authentication-results', 'arc-message-signature', 'arc-seal'] as const

export function readArcChain(header: Header): ArcChain {
  const byInstance = new Map<number, Field[]>()
  for (const field of header.fields) {
    if (!keys.some((key) => key === field.key)) continue
    const instance = instanceOf(field)
    byInstance.set(instance, [...(byInstance.get(instance) ?? []), field])
  }
  const highest = Math.max(0, ...byInstance.keys())
  const sets = Array.from({ length: highest }, (_, i) => setOf(byInstance.get(i + 1) ?? []))
  const newest = byInstance.get(highest)?.filter((field) => field.key === 'arc-seal') ?? []
  return {
    sets: !byInstance.has(0) && sets.every((set) => set !== undefined) ? sets : undefined,
    highest,
    hasFailed: newest.some((field) => tag(field, 'cv')?.toLowerCase() === 'fail'),
  }
}

function setOf(fields: readonly Field[]): ArcSet | undefined {
  const [results, signature, seal] = keys.map((key) => fields.find((field) => field.key === key))
  if (results === undefined || signature === undefined || seal === undefined) return undefined
  return fields.length === keys.length ? { results, signature, seal } : undefined
}

/** RFC 8617 section 4.2.1: 1 to 50; 0 when it is anything else. */
function instanceOf(field: Field): number {
  const text = tag(field, 'i') ?? ''
  const instance = /^\d{1,2}$/.test(text) ? Number(text) : 0
  return instance <= maxInstance ? instance : 0
}

export const maxInstance = 50

/** Value of a tag (RFC 6376 section 3.2); of the results the instance is the first thing (RFC 8617 section 4.1.1). */
function tag(field: Field, name: string): string | undefined {
  for (const part of unfold(fieldValue(field)).split(';')) {
    const equals = part.indexOf('=')
    if (equals >= 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim()
  }
  return undefined
}
