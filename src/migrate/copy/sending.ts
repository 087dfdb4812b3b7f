/** What was sent to the target and not heard of, as it lies in the ledger: 36 bytes a message. */
import { crc32 } from 'node:zlib'
import { canonicalFlags } from '../mailbox/mailbox.ts'

export type Sending = {
  readonly uid: number
  /** As sent. */
  readonly size: number
  /** Seconds since 1970; undefined where the source's date is none. */
  readonly date?: number
  /** Of the canonical form as sent; absent for large ones, which are read once only. */
  readonly digest?: Buffer
  /** Of its flags, as sent: of two copies that differ in nothing else. */
  readonly flagsSum?: number
}

const recordBytes = 36
const noDate = -(2 ** 40)

export function flagsSumOf(flags: readonly string[]): number {
  return crc32(canonicalFlags(flags).join(' '))
}

export function packSending(all: Iterable<Sending>): Buffer | null {
  const records = [...all].map(packOne)
  return records.length === 0 ? null : Buffer.concat(records)
}

function packOne(s: Sending): Buffer {
  const record = Buffer.alloc(recordBytes)
  record.writeUInt32LE(s.uid, 0)
  record.writeUIntLE(s.size, 4, 6)
  record.writeIntLE(s.date ?? noDate, 10, 6)
  s.digest?.copy(record, 16, 0, 16)
  record.writeUInt32LE(s.flagsSum ?? 0, 32)
  return record
}

export function unpackSending(packed: Uint8Array | null): readonly Sending[] {
  if (packed === null) return []
  const records = Buffer.from(packed)
  const count = Math.floor(records.length / recordBytes)
  return Array.from({ length: count }, (_, i) => unpackOne(records.subarray(i * recordBytes, (i + 1) * recordBytes)))
}

function unpackOne(record: Buffer): Sending {
  const date = record.readIntLE(10, 6)
  const digest = record.subarray(16, 32)
  return {
    uid: record.readUInt32LE(0),
    size: record.readUIntLE(4, 6),
    ...(date === noDate ? {} : { date }),
    ...(digest.every((byte) => byte === 0) ? {} : { digest }),
    flagsSum: record.readUInt32LE(32),
  }
}
