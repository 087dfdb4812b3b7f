import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { border } from '../../../test/support/small-listener.ts'
import { asFarAsPossible, beyondTheMachine, type Limits, limitsOf, noneMet } from './limits.ts'
import { machine } from './machine.ts'

const manual = readFileSync(new URL('../../../docs/limits.md', import.meta.url), 'utf8')
const limits = limitsOf({ connections: 1000, transferBytes: 10_000_000_000 })

const has = (row: string, text: string): boolean => new RegExp(`(?<![0-9])${text}(?![0-9])`).test(row)

/** As a person writes it: 1000, 300 s, 80 %. */
function isTold(name: keyof Limits, row: string): boolean {
  const value = limits[name]
  if (name === 'rateBytes') return has(row, `${value}`) && has(row, `${limits.rateWindowMs / 1000} s`)
  if (name.endsWith('Ms')) return has(row, `${value / 1000} s`)
  if (/^(?:connections|transferBytes)(?:Of|To|PerTenant)|^transferBytesPer/.test(name)) {
    const whole = name.startsWith('connections') ? limits.connections : limits.transferBytes
    return has(row, `${(value * 100) / whole} %`)
  }
  return has(row, `${value}`)
}

const machines: readonly string[] = ['connections', 'transferBytes']

for (const name of Object.keys(noneMet) as (keyof typeof noneMet)[]) {
  test(`docs/limits.md: ${name}`, () => {
    const row = manual.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
    assert.ok(row !== undefined, 'has no row')
    if (!machines.includes(name)) assert.ok(isTold(name, row), `${limits[name]} is not what the row says: ${row}`)
  })
}

test('docs/limits.md names no limit that does not exist', () => {
  const named = [...manual.matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1])
  assert.equal(named.length, Object.keys(noneMet).length)
  assert.deepEqual(new Set(named), new Set(Object.keys(noneMet)))
})

test('what is given counts, and the parts follow from it', () => {
  const { connectionsOfInternet, connectionsPerTenant, connectionsToProve } = limitsOf({ connections: 100 })
  assert.deepEqual([connectionsOfInternet, connectionsPerTenant, connectionsToProve], [80, 50, 5])
  assert.equal(limitsOf({ connections: 1 }).connectionsOfInternet, 1)
  assert.equal(limitsOf({ connections: 100, connectionsOfInternet: 7 }).connectionsOfInternet, 7)
  assert.ok(limitsOf({ transferBytes: 1 }).transferBytesPerSource >= limits.messageBytes)
})

test('what a project asks for counts as far as the machine can give it', () => {
  const { incoming, contentBytes } = machine()
  assert.deepEqual(asFarAsPossible({}), {})
  const little = { connections: 10, messageBytes: 1_000_000, recipients: 100 }
  assert.deepEqual(asFarAsPossible(little), little)
  const much = asFarAsPossible({ connections: incoming + 1, messageBytes: contentBytes })
  assert.equal(much.connections, incoming)
  assert.ok((much.messageBytes ?? contentBytes) < contentBytes)
  assert.deepEqual(beyondTheMachine(little), [])
  assert.deepEqual(beyondTheMachine({ connections: incoming + 1 }), [
    `connections: ${incoming + 1} were asked for, ${incoming} are what this machine has room for`,
  ])
})

test('limits that change count from then on; who is in stays', async (t) => {
  const given: Partial<Limits> = { connectionsPerSource: 2, messageBytes: 1000 }
  const { listener, dial } = await border(t, { limits: given })
  const [one, two] = [dial(), dial()]
  for (const client of [one, two]) assert.match(await client.reply(), /^220 /)
  assert.match(await dial().reply(), /^421 4\.7\.0 too many connections from your address/)
  Object.assign(given, { connectionsPerSource: 1, messageBytes: 50 })
  listener.setLimits()
  assert.match(await dial().reply(), /^421 /)
  assert.match(await two.ask('EHLO x'), /^250/)
  assert.match(await two.ask('MAIL FROM:<a@b.example> SIZE=51'), /^552 5\.3\.4 /)
  assert.match(await two.ask('MAIL FROM:<a@b.example> SIZE=50'), /^250 /)
  Object.assign(given, { connectionsPerSource: 500 })
  listener.setLimits()
  assert.match(await dial().reply(), /^220 /)
})
