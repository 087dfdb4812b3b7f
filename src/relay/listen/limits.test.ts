import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Limits, limitsOf, noneMet } from './limits.ts'

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
