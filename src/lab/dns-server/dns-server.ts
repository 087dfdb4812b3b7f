/**
 * An authoritative DNS server for the lab, on loopback, UDP and TCP on one port.
 *
 * Promises: answers from its zones only, as they are at that moment; NXDOMAIN and NODATA are told apart, with SOA; what does
 *   not fit is truncated over UDP and whole over TCP.
 * Never: asks another server, or answers for names outside its zones (REFUSED).
 * On failure: by order only: `fault` makes it unwell for a name and everything below it.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { answer } from './answer.ts'
import { type DnsRecord, type Fault, nameKey, type RecordType, Zones } from './records.ts'

export type { DnsRecord, Fault, RecordType } from './records.ts'

export type DnsServer = {
  /** `127.0.0.1:PORT`, as a resolver takes it. */
  readonly address: string
  addZone(origin: string): void
  add(...records: readonly DnsRecord[]): void
  remove(name: string, type?: RecordType): void
  /** Makes the server unwell for a name and everything below it; undefined makes it well again. */
  fault(name: string, fault: Fault | undefined): void
  close(): Promise<void>
}

const host = '127.0.0.1'

export async function startDns(): Promise<DnsServer> {
  const zones = new Zones()
  const faults = new Map<string, Fault>()
  const answerTo = (query: Buffer, over: 'udp' | 'tcp') => answer(zones, (name) => faultOf(faults, name), query, over)
  const sockets = new Set<Socket>()
  const tcp = createServer((socket) => serveTcp(socket, sockets, answerTo))
  const udp = await bindBoth(tcp)
  udp.on('message', (query, from) => {
    const packet = answerTo(query, 'udp')
    if (packet !== undefined) udp.send(packet, from.port, from.address)
  })
  return {
    address: `${host}:${udp.address().port}`,
    addZone: (origin) => zones.addZone(origin),
    add(...records) {
      for (const record of records) zones.add(record)
    },
    remove: (name, type) => zones.remove(name, type),
    fault(name, fault) {
      if (fault === undefined) faults.delete(nameKey(name))
      else faults.set(nameKey(name), fault)
    },
    close: () => closeBoth(tcp, udp, sockets),
  }
}

function faultOf(faults: ReadonlyMap<string, Fault>, name: string): Fault | undefined {
  for (const [below, fault] of faults) if (name === below || name.endsWith(`.${below}`)) return fault
  return undefined
}

/** A port that is free for both; the system chooses for TCP, and UDP may find it taken. */
async function bindBoth(tcp: Server): Promise<UdpSocket> {
  for (let tries = 1; ; tries++) {
    tcp.listen(0, host)
    await once(tcp, 'listening')
    const at = tcp.address()
    const port = typeof at === 'object' && at !== null ? at.port : 0
    const udp = createSocket('udp4')
    try {
      udp.bind(port, host)
      await once(udp, 'listening')
      return udp
    } catch (error) {
      udp.close()
      tcp.close()
      await once(tcp, 'close')
      if (tries === 10) throw error
    }
  }
}

/** RFC 1035 section 4.2.2: two octets of length before each message. */
function serveTcp(
  socket: Socket,
  sockets: Set<Socket>,
  answerTo: (query: Buffer, over: 'tcp') => Buffer | undefined,
): void {
  sockets.add(socket)
  let waiting: Buffer = Buffer.alloc(0)
  socket.on('data', (piece) => {
    waiting = Buffer.concat([waiting, piece])
    while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
      const end = 2 + waiting.readUInt16BE(0)
      const packet = answerTo(waiting.subarray(2, end), 'tcp')
      waiting = waiting.subarray(end)
      if (packet !== undefined)
        socket.write(Buffer.concat([Buffer.from([packet.length >> 8, packet.length & 255]), packet]))
    }
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => sockets.delete(socket))
}

async function closeBoth(tcp: Server, udp: UdpSocket, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  const closed = [once(tcp, 'close'), once(udp, 'close')]
  tcp.close()
  udp.close()
  await Promise.all(closed)
}
