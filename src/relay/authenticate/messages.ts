/** What the mail path and the thread that checks say to each other. */
import type { Asked } from './questions.ts'
import type { Authentication } from './result.ts'
import type { Subject } from './subject.ts'

export type ToThread =
  | { readonly kind: 'check'; readonly number: number; readonly subject: Subject }
  | { readonly kind: 'answer'; readonly question: number; readonly asked: Asked }

export type FromThread =
  | {
      readonly kind: 'ask'
      readonly number: number
      readonly question: number
      readonly name: string
      readonly type: string
    }
  | { readonly kind: 'checked'; readonly number: number; readonly authentication: Authentication }
  | { readonly kind: 'broke'; readonly number: number; readonly why: string }
