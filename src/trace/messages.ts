/** What the recorder and the thread that writes say to each other. */
import type { TraceQuery } from './find.ts'

export type WriterOptions = { readonly file: string; readonly retentionDays: number }

export type ToWriter =
  | { readonly kind: 'batch'; readonly number: number; readonly json: string }
  | { readonly kind: 'find'; readonly number: number; readonly query: TraceQuery }
  | { readonly kind: 'close' }

export type FromWriter =
  | { readonly kind: 'stored'; readonly number: number; readonly lost: number }
  | { readonly kind: 'failed'; readonly number: number; readonly why: string }
  | { readonly kind: 'found'; readonly number: number; readonly json: string }
  | { readonly kind: 'notFound'; readonly number: number; readonly why: string }
  | { readonly kind: 'trouble'; readonly why: string }
