import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Authentication, verdictOn } from './authenticate.ts'

const honour = { dmarc: 'honour', trustedArcSealers: ['list.example'] } as const

function of(dmarc: Partial<Authentication['dmarc']>, arc: Partial<Authentication['arc']> = {}): Authentication {
  return {
    address: '192.0.2.1',
    spf: { result: 'fail', identity: 'mailfrom', domain: 'bank.example', why: '' },
    dkim: [{ result: 'none', domain: '', selector: '', algorithm: '', signature: '', why: '' }],
    dmarc: { result: 'fail', domain: 'bank.example', policy: 'reject', why: '', ...dmarc },
    arc: { result: 'none', sealer: '', dmarc: '', why: '', ...arc },
  }
}

test('honour: refused where the domain asks for it, with the exact reason', () => {
  const verdict = verdictOn(honour, of({}))
  assert.ok(verdict.kind === 'refused')
  assert.deepEqual([verdict.reply.code, verdict.reply.enhanced], [550, '5.7.1'])
  assert.match(verdict.reply.text, /bank\.example/)
  assert.equal(verdict.why, 'DMARC of bank.example fails, its policy is reject: SPF fail for bank.example, DKIM none')
})

test('honour: quarantine and none pass, and the tenant decides', () => {
  for (const policy of ['quarantine', 'none'] as const) {
    const verdict = verdictOn(honour, of({ policy }))
    assert.equal(verdict.kind, 'passes')
    assert.match(verdict.why, /the tenant decides/)
  }
})

test('honour: what cannot be told now is asked again, not guessed', () => {
  const verdict = verdictOn(honour, of({ result: 'temperror', why: 'DNS' }))
  assert.ok(verdict.kind === 'deferred')
  assert.deepEqual([verdict.reply.code, verdict.reply.enhanced], [451, '4.4.3'])
})

test('no policy, a pass, and a From that cannot be judged say nothing', () => {
  for (const result of ['none', 'pass', 'permerror'] as const)
    assert.deepEqual(verdictOn(honour, of({ result })), { kind: 'passes', why: '' })
})

test('a sealer that is believed, and only what he says of a chain that passes', () => {
  const arc = { result: 'pass', sealer: 'list.example', dmarc: 'pass' } as const
  for (const result of ['fail', 'temperror'] as const) {
    assert.equal(verdictOn(honour, of({ result }, arc)).kind, 'passes')
    for (const wrong of [{ sealer: 'other.example' }, { dmarc: 'fail' }, { result: 'fail' as const }])
      assert.notEqual(verdictOn(honour, of({ result }, { ...arc, ...wrong })).kind, 'passes')
    assert.notEqual(verdictOn({ ...honour, trustedArcSealers: [] }, of({ result }, arc)).kind, 'passes')
  }
})

test('report lets all pass and says why; ignore says nothing', () => {
  for (const result of ['fail', 'temperror'] as const) {
    const reported = verdictOn({ ...honour, dmarc: 'report' }, of({ result }))
    assert.equal(reported.kind, 'passes')
    assert.match(reported.why, /bank\.example/)
    assert.deepEqual(verdictOn({ ...honour, dmarc: 'ignore' }, of({ result })), { kind: 'passes', why: '' })
  }
})
