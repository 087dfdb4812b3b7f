/** The parts of mailauth 7.1 that are used here, as they are used; its own types know some of them less exactly. */
declare module 'mailauth/lib/dkim/dkim-verifier.js' {
  import { Writable } from 'node:stream'
  export type Field = { readonly key: string; readonly line: Buffer }
  export type Headers = { readonly parsed: readonly Field[]; readonly original: Buffer }
  export type Signature = {
    readonly type: 'DKIM' | 'ARC'
    readonly parsed?: { readonly h?: { readonly value?: unknown } }
    readonly original: Buffer
    readonly bodyHashKey?: string
    readonly fallbackBodyHashKey?: string
    /** Set, the signature is not verified: its result is neutral, with this comment. */
    invalid?: string
  }
  export type Result = {
    readonly signingDomain?: string
    readonly selector?: string
    readonly signature?: unknown
    readonly algo?: unknown
    readonly status: { readonly result: string; readonly comment?: unknown; readonly underSized?: number }
  }
  export type Seal = {
    readonly parsed?: { readonly s?: { readonly value?: unknown }; readonly d?: { readonly value?: unknown } }
  }
  export type ArcSet = { readonly 'arc-seal'?: Seal; readonly 'arc-message-signature'?: Seal }
  export type Arc = { readonly chain: readonly ArcSet[] | false }
  export class DkimVerifier extends Writable {
    constructor(options: { resolver: unknown; strict: boolean; sender: string; minBitLength: number; curTime?: Date })
    headers: Headers | false
    readonly signatureHeaders: Signature[]
    readonly bodyHashes: Map<string, unknown>
    readonly results: readonly Result[]
    readonly arc: Arc
    messageHeaders(headers: Headers): Promise<void>
  }
}

declare module 'mailauth/lib/spf/index.js' {
  export function spf(options: {
    readonly resolver: unknown
    readonly ip: string
    readonly helo: string
    readonly sender: string
    readonly mta: string
    readonly strict: boolean
  }): Promise<{ readonly domain: string; readonly status: { readonly result: string; readonly comment?: unknown } }>
}

declare module 'mailauth/lib/arc/index.js' {
  import type { Arc } from 'mailauth/lib/dkim/dkim-verifier.js'
  export function arc(
    data: Arc,
    options: { readonly resolver: unknown; readonly strict: boolean; readonly minBitLength: number },
  ): Promise<{
    readonly status: { readonly result: string; readonly comment?: unknown }
    readonly authenticationResults?: { readonly dmarc?: { readonly result?: unknown } }
  }>
}

declare module 'mailauth/lib/dmarc/index.js' {
  export function evaluateDmarc(options: {
    readonly headerFrom: string
    readonly spfDomains: readonly string[]
    readonly dkimDomains: readonly { readonly domain: string; readonly underSized?: number }[]
    readonly resolver: unknown
    readonly strict: boolean
  }): Promise<{
    readonly response:
      | false
      | {
          readonly policy?: string
          readonly error?: string
          readonly status: { readonly result: string; readonly comment?: unknown }
        }
    readonly reason?: string
  }>
}
