/** Is an address one of a list of networks? Lists are frozen values of the project, so each is compiled once. */
import { BlockList, isIPv6 } from 'node:net'

const ranges = new WeakMap<readonly string[], BlockList>()

export function inRanges(cidrs: readonly string[], address: string): boolean {
  let list = ranges.get(cidrs)
  if (list === undefined) {
    list = new BlockList()
    for (const cidr of cidrs) addRange(list, cidr)
    ranges.set(cidrs, list)
  }
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

function addRange(list: BlockList, cidr: string): void {
  const [network = '', bits] = cidr.split('/')
  const family = isIPv6(network) ? 'ipv6' : 'ipv4'
  if (bits === undefined) list.addAddress(network, family)
  else list.addSubnet(network, Number(bits), family)
}
