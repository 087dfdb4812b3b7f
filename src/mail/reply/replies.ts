import type { Reply } from './reply.ts'
export const replies = { ok: (): Reply => ({ code: 250, enhanced: '2.0.0', text: 'OK' }) } as const satisfies Record<
  string,
  (...args: never[]) => Reply
>
