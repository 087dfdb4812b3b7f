// What counts as this machine.

import net from 'node:net'

const here = new net.BlockList()
here.addSubnet('127.0.0.0', 8)
here.addAddress('::1', 'ipv6')
// "Any address" as a destination is this machine (Linux, ip(7)).
here.addAddress('0.0.0.0')
here.addAddress('::', 'ipv6')

/** True for a loopback address; IPv4-mapped IPv6 counts as what it maps. */
export function isHere(address: string): boolean {
  return here.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** RFC 6761 section 6.3: these names never leave the machine. */
export function isLocalName(name: string): boolean {
  return /^(?:[^.]+\.)*localhost\.?$/i.test(name)
}
