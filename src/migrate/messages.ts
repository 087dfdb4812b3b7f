/** What the main thread and the thread of the mailbox move say to each other. */
import type { BatchView, Desk, Letter, SecretAnswer, Sent } from './batch/batch.ts'

export type ThreadOptions = {
  readonly dir: string
  /** The thread before this one ended by itself. */
  readonly isAfterDeath: boolean
  /** Keys of the batches, from the vault. */
  readonly keys: readonly (readonly [id: string, key: Uint8Array])[]
}

/** Whatever can be asked of the desk. */
export type Verb = Exclude<keyof Desk, 'close' | 'keysInUse' | 'moving'>
export type Arguments<K extends Verb> = Parameters<Desk[K]>
export type Answer<K extends Verb> = Awaited<ReturnType<Desk[K]>>

export type ToThread =
  | {
      readonly kind: 'ask'
      readonly number: number
      readonly verb: Verb
      readonly with: readonly unknown[]
      /** The key of a batch that is being made. */
      readonly key?: readonly [id: string, key: Uint8Array]
    }
  | { readonly kind: 'secret'; readonly number: number; readonly answer: SecretAnswer }
  | { readonly kind: 'sent'; readonly number: number; readonly answer: Sent }
  | { readonly kind: 'close' }

/** `A`: the one who asked knows the type of its answer. */
export type FromThread<A> =
  | { readonly kind: 'opened'; readonly keysInUse: readonly string[] }
  | { readonly kind: 'notOpened'; readonly why: string }
  | { readonly kind: 'answered'; readonly number: number; readonly value: A }
  | { readonly kind: 'failed'; readonly number: number; readonly why: string; readonly isFull: boolean }
  | { readonly kind: 'secretWanted'; readonly number: number; readonly name: string }
  | { readonly kind: 'letter'; readonly number: number; readonly letter: Letter }
  | { readonly kind: 'keyForgotten'; readonly keyId: string }
  | { readonly kind: 'trouble'; readonly why: string }
  /** Small, once a second while something goes on. */
  | { readonly kind: 'progress'; readonly batches: readonly BatchView[] }
