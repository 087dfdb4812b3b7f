/** One DNS message in, one out (RFC 1035 section 4.1). No sockets here. */
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  type Packet,
  type Question,
  RECURSION_DESIRED,
  type RecordData,
  TRUNCATED_RESPONSE,
} from 'dns-packet'
import { type DnsRecord, type Fault, type Found, nameKey, type Zones } from './records.ts'

const rcodes = { noerror: 0, servfail: 2, nxdomain: 3, notimp: 4, refused: 5 } as const
/** Short, so that what changes in a zone is seen at once. */
const ttlSeconds = 1
/** RFC 1035 section 4.2.1, without EDNS. */
const plainUdpBytes = 512

/** undefined: say nothing at all. */
export function answer(
  zones: Zones,
  faultOf: (name: string) => Fault | undefined,
  query: Buffer,
  over: 'udp' | 'tcp',
): Buffer | undefined {
  const asked = tryDecode(query)
  const question = asked?.questions?.[0]
  if (asked === undefined || question === undefined || asked.type === 'response') return undefined
  const fault = faultOf(nameKey(question.name))
  if (fault === 'timeout') return undefined
  if (fault === 'servfail' || fault === 'refused') return encode(bare(asked, rcodes[fault]))
  if (fault === 'truncated' && over === 'udp') return encode(truncated(asked))
  const packet = encode(response(zones, asked, question))
  return over === 'udp' && packet.length > udpLimit(asked) ? encode(truncated(asked)) : packet
}

function response(zones: Zones, asked: Packet, question: Question): Packet {
  const found = zones.find(question.name, question.type)
  if (found.kind === 'not ours') return bare(asked, rcodes.refused)
  const flags = found.kind === 'nxdomain' ? rcodes.nxdomain : rcodes.noerror
  return {
    ...bare(asked, flags | AUTHORITATIVE_ANSWER),
    answers: found.records.map(asAnswer),
    authorities: found.kind === 'records' ? [] : [startOfAuthority(found)],
  }
}

/** RFC 2308 section 3: a negative answer carries the SOA, by whose last field it may be kept. */
function startOfAuthority({ zone }: Exclude<Found, { kind: 'not ours' }>): Answer {
  const name = zone === '' ? '.' : zone
  const times = { serial: 1, refresh: 3600, retry: 600, expire: 86_400, minimum: ttlSeconds }
  return {
    name,
    ttl: ttlSeconds,
    type: 'SOA',
    data: { mname: 'ns.lab.example', rname: 'hostmaster.lab.example', ...times },
  }
}

function asAnswer(record: DnsRecord): Answer {
  return { name: record.name, ttl: ttlSeconds, ...recordData(record) }
}

function recordData(record: DnsRecord): RecordData {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { type: record.type, data: record.address }
    case 'MX':
      return {
        type: 'MX',
        data: { preference: record.preference, exchange: record.exchange === '' ? '.' : record.exchange },
      }
    case 'TXT':
      return { type: 'TXT', data: strings(record.text) }
    case 'CNAME':
    case 'NS':
      return { type: record.type, data: record.target }
  }
}

/** A character-string holds 255 octets at most (RFC 1035 section 3.3). */
function strings(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'utf8')
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 255) pieces.push(bytes.subarray(at, at + 255))
  return pieces.length === 0 ? [Buffer.alloc(0)] : pieces
}

function bare(asked: Packet, flags: number): Packet {
  const desired = (asked.flags ?? 0) & RECURSION_DESIRED
  return { type: 'response', id: asked.id ?? 0, flags: flags | desired, questions: asked.questions ?? [] }
}

const truncated = (asked: Packet): Packet => bare(asked, AUTHORITATIVE_ANSWER | TRUNCATED_RESPONSE)

/** RFC 6891 section 6.2.3: below 512 counts as 512. */
function udpLimit(asked: Packet): number {
  const edns = asked.additionals?.find((record) => record.type === 'OPT')
  return Math.max(plainUdpBytes, edns?.udpPayloadSize ?? 0)
}

function tryDecode(bytes: Buffer): Packet | undefined {
  try {
    return decode(bytes)
  } catch {
    return undefined // no DNS message: nothing to answer
  }
}
