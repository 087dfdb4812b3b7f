/**
 * The life of the keys that sign: made at the start, never on a selector that DNS has for another key, and rotated only after
 * DNS has shown the next record. The DNS is a real BIND.
 */
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBind } from '../../support/bind.ts'
import { type Gateway, startGateway } from '../../support/gateway.ts'
import { missing, until } from '../../support/program.ts'
import { openScenario } from '../../support/scenario.ts'

const skip = missing('named', 'dig')
const somebodyElses = 'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7'

type Answer = {
  readonly records: readonly { readonly zone: string; readonly selector: string }[]
  readonly notes: readonly string[]
}

async function dkim(gateway: Gateway, ...args: readonly string[]): Promise<Answer> {
  const { code, out, err } = await gateway.run('dkim', ...args, '--json')
  assert.equal(code, 0, err)
  return JSON.parse(out)
}

async function selectorOf(gateway: Gateway, domain: string): Promise<string | undefined> {
  const { out } = await gateway.run('domain', 'list', '--json')
  const domains: readonly { readonly name: string; readonly dkim?: string }[] = JSON.parse(out)
  return domains.find((d) => d.name === domain)?.dkim
}

test('keys of a domain', { skip }, async (t) => {
  await using s = openScenario(import.meta.dirname)
  const zones = { 'shared.example': [], 'taken.example': [`cw1._domainkey TXT "${somebodyElses}"`] }
  const dns = await s.keep(startBind({ dir: join(s.dir, 'dns'), zones }))
  const project = s.project()
  const gateway = await s.keep(startGateway({ data: join(s.dir, 'data'), project, dns }))
  const keyOf = (name: string): string => join(project, '..', name)

  await t.test('they are made at the start, for their owner only, and their records stand in the log', async () => {
    await until('the key', () => existsSync(keyOf('shared.key')) || undefined)
    assert.equal(statSync(keyOf('shared.key')).mode & 0o777, 0o600)
    await until(
      'the record in the log',
      () => gateway.log().includes('cw1._domainkey.shared.example. IN TXT') || undefined,
    )
  })

  await t.test('a selector that DNS has for another key is left to it', async () => {
    await until('another selector', async () => (await selectorOf(gateway, 'taken.example')) === 'cw2' || undefined)
    assert.equal(await selectorOf(gateway, 'shared.example'), 'cw1')
    assert.match((await gateway.run('export')).out, /name: taken\.example\s+dkim:\s+selector: cw2/)
  })

  await t.test('the next key waits for its record', async () => {
    const first = await dkim(gateway, 'rotate', 'shared.example')
    assert.equal(first.records[0]?.selector, 'cw2')
    assert.match(first.notes.join(' '), /publish the record of cw2, /)
    assert.equal(await selectorOf(gateway, 'shared.example'), 'cw1')
    assert.deepEqual((await dkim(gateway, 'rotate', 'shared.example')).records[0]?.zone, first.records[0]?.zone)

    await dns.publish('shared.example', [first.records[0]?.zone ?? ''])
    const second = await dkim(gateway, 'rotate', 'shared.example')
    assert.match(second.notes.join(' '), /cw2 signs from now on/)
    assert.equal(await selectorOf(gateway, 'shared.example'), 'cw2')
    const shown = await dkim(gateway, 'show', 'shared.example')
    assert.deepEqual(
      shown.records.map((r) => r.zone),
      first.records.map((r) => r.zone),
    )
  })
})
