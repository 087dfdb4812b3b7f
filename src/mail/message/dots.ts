import type { Content } from './message.ts'
export function dotStuff(c: Content): Content {
  return c
}
export function dotUnstuff(b: Buffer): Buffer {
  return b
}
