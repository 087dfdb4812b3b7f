// Keeps tests on this machine: the test runner loads it before each test file and each Node process that a test starts.
//
// Promises: a name is looked up only when it means this machine (localhost), DNS is asked only of a server that the code
// itself named and that listens on loopback, and a TCP, TLS or UDP socket goes nowhere but to loopback or a local path.
// On failure: the call fails the way that it always fails (callback, event, rejection), with code ERR_OUTSIDE and the
// sentence what to pass in instead. Nothing hangs and nothing is thrown where the caller expects an event.
// Never: stops programs that are not Node. Tests give those a configuration without a way out.

import dgram from 'node:dgram'
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { guardResolvers, outside } from './guard-dns.ts'
import { isHere, isLocalName } from './guard-loopback.ts'

// A worker thread inherits the preload; the objects patched are its own. Twice in one thread would wrap the wrapper.
const installed = Symbol.for('causeway.test.guard')

if (!Reflect.has(globalThis, installed)) {
  Reflect.set(globalThis, installed, true)
  guardLookup()
  guardResolvers()
  guardStreams()
  guardDatagrams()
  syncBuiltinESMExports()
}

/** What net, dgram and fetch ask when they are given a name. */
function guardLookup(): void {
  const { lookup } = dns
  const { lookup: lookupPromise } = dns.promises
  Reflect.set(dns, 'lookup', (name: unknown, ...rest: unknown[]) => {
    const refused = refusedName(name)
    return refused === undefined ? Reflect.apply(lookup, dns, [name, ...rest]) : failLater(rest, refused)
  })
  Reflect.set(dns.promises, 'lookup', async (name: unknown, ...rest: unknown[]) => {
    const refused = refusedName(name)
    if (refused !== undefined) throw refused
    return Reflect.apply(lookupPromise, dns.promises, [name, ...rest])
  })
}

function refusedName(name: unknown): Error | undefined {
  if (typeof name !== 'string' || name === '' || net.isIP(name) !== 0 || isLocalName(name)) return undefined
  return outside(`look up ${name}`, 'pass in a resolver, or use localhost')
}

/** TCP, and TLS, HTTP and fetch, which are built on it. */
function guardStreams(): void {
  const connect: unknown = Reflect.get(net.Socket.prototype, 'connect')
  if (typeof connect !== 'function') throw new TypeError('no connect to guard')
  Reflect.set(net.Socket.prototype, 'connect', function (this: net.Socket, ...args: unknown[]) {
    const options = connectOptions(args)
    const host = typeof options['host'] === 'string' ? options['host'] : 'localhost'
    if (net.isIP(host) !== 0 && !isHere(host) && options['path'] === undefined) {
      return this.destroy(
        outside(`connect to ${host} port ${String(options['port'])}`, 'pass in a dialler, or listen on loopback'),
      )
    }
    return Reflect.apply(connect, this, withGuardedLookup(args, options))
  })
}

/** `connect(options)`, `connect(port, host)`, `connect(path)`; from net.connect() the options come inside an array. */
function connectOptions(args: readonly unknown[]): Record<string, unknown> {
  const first = Array.isArray(args[0]) ? args[0][0] : args[0]
  if (typeof first === 'object' && first !== null) return first as Record<string, unknown>
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { path: first }
  return { port: first, host: args[1] }
}

/** A lookup function of the caller's may answer with any address: what it says is judged too. */
function withGuardedLookup(args: readonly unknown[], options: Record<string, unknown>): readonly unknown[] {
  const { lookup } = options
  if (typeof lookup !== 'function') return args
  options['lookup'] = (name: string, how: unknown, done: (error: Error | null, ...found: unknown[]) => void) =>
    lookup(name, how, (error: Error | null, found: unknown, family?: unknown) => {
      const addresses = Array.isArray(found) ? found.map((each: { address: string }) => each.address) : [String(found)]
      const far = error === null ? addresses.find((address) => !isHere(address)) : undefined
      if (far === undefined) done(error, found, family)
      else done(outside(`connect to ${far}, to which the caller's lookup led for ${name}`, 'answer with loopback'))
    })
  return args
}

function guardDatagrams(): void {
  for (const method of ['send', 'connect'] as const) {
    const original = dgram.Socket.prototype[method]
    Reflect.set(dgram.Socket.prototype, method, function (this: dgram.Socket, ...args: unknown[]) {
      // The first argument of send() is the datagram, which may be a string as well.
      const address = args.slice(1).find((arg) => typeof arg === 'string')
      if (address === undefined || net.isIP(address) === 0 || isHere(address))
        return Reflect.apply(original, this, args)
      const refused = outside(`send a datagram to ${address}`, 'ask a server on loopback')
      if (!failLater(args, refused)) process.nextTick(() => this.emit('error', refused))
    })
  }
}

/** Hands the error to the callback among the arguments, as the real call would: later. False when there is none. */
function failLater(args: readonly unknown[], error: Error): boolean {
  const callback = args.findLast((arg) => typeof arg === 'function')
  if (typeof callback !== 'function') return false
  process.nextTick(() => callback(error))
  return true
}
