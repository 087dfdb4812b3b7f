// The part of the guard that stands before the DNS resolver of Node (c-ares), whose sockets are not Node's.

import dns from 'node:dns'
import net from 'node:net'
import { isHere } from './guard-loopback.ts'

/** The error of every refusal: tells what was tried and what to do instead. */
export function outside(tried: string, instead: string): Error {
  const text = `a test tried to ${tried}; tests stay on this machine: ${instead}`
  return Object.assign(new Error(text), { code: 'ERR_OUTSIDE' })
}

/** Resolvers whose servers were set, all of them on loopback. The servers of the machine never count, wherever they are. */
const trusted = new WeakSet<object>()

export function guardResolvers(): void {
  for (const Resolver of [dns.Resolver, dns.promises.Resolver]) {
    guardSetServers(Resolver.prototype)
    guardQueries(Resolver.prototype, Resolver === dns.promises.Resolver)
  }
  // The functions of the module ask the servers of the machine.
  guardQueries(dns, false)
  guardQueries(dns.promises, true)
}

function guardSetServers(resolver: object): void {
  const original: unknown = Reflect.get(resolver, 'setServers')
  if (typeof original !== 'function') throw new TypeError('no setServers to guard')
  Reflect.set(resolver, 'setServers', function (this: object, servers: readonly string[]) {
    if (servers.length > 0 && servers.every((server) => isHere(hostOf(server)))) trusted.add(this)
    else trusted.delete(this)
    return Reflect.apply(original, this, [servers])
  })
}

/** Every resolve…() and reverse(). */
function guardQueries(asked: object, promises: boolean): void {
  const names = Object.getOwnPropertyNames(asked).filter((name) => /^(?:resolve|reverse)/.test(name))
  for (const name of names) {
    const original: unknown = Reflect.get(asked, name)
    if (typeof original !== 'function') continue
    Reflect.set(asked, name, function (this: object, ...args: unknown[]) {
      if (trusted.has(this)) return Reflect.apply(original, this, args)
      return refuse(
        outside(`ask DNS for ${String(args[0])}`, 'use a Resolver with setServers() on loopback'),
        args,
        promises,
      )
    })
  }
}

function refuse(error: Error, args: readonly unknown[], promises: boolean): Promise<never> | undefined {
  if (promises) return Promise.reject(error)
  const callback = args.findLast((arg) => typeof arg === 'function')
  if (typeof callback !== 'function') throw error
  process.nextTick(() => callback(error))
  return undefined
}

/** `127.0.0.1:5353`, `[::1]:53`, or an address alone. */
function hostOf(server: string): string {
  if (net.isIP(server) !== 0) return server
  return server.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}
