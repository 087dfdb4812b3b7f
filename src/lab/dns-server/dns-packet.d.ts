/** The part of dns-packet 5 that the lab uses; the package brings no types. */
declare module 'dns-packet' {
  export type RecordData =
    | { readonly type: 'A' | 'AAAA' | 'NS' | 'CNAME' | 'PTR'; readonly data: string }
    | { readonly type: 'MX'; readonly data: { readonly preference: number; readonly exchange: string } }
    | { readonly type: 'TXT'; readonly data: readonly Buffer[] }
    | { readonly type: 'SOA'; readonly data: Soa }
  export type Soa = {
    readonly mname: string
    readonly rname: string
    readonly serial: number
    readonly refresh: number
    readonly retry: number
    readonly expire: number
    readonly minimum: number
  }
  export type Answer = RecordData & { readonly name: string; readonly ttl: number }
  export type Question = { readonly name: string; readonly type: string; readonly class?: string }
  export type Packet = {
    readonly type?: string
    readonly id?: number
    readonly flags?: number
    readonly questions?: readonly Question[]
    readonly answers?: readonly Answer[]
    readonly authorities?: readonly Answer[]
    readonly additionals?: readonly { readonly type: string; readonly udpPayloadSize?: number }[]
  }
  export const AUTHORITATIVE_ANSWER: number
  export const TRUNCATED_RESPONSE: number
  export const RECURSION_DESIRED: number
  export function encode(packet: Packet): Buffer
  /** Throws on anything that is no packet. */
  export function decode(bytes: Buffer): Packet
}
