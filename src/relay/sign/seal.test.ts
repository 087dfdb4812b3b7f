/** Our seals judged by two verifiers that are not ours: mailauth and Python's dkim (whose arcverify is the same code). */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { authenticate } from 'mailauth'
import { parseHeader } from '../../mail/header/header.ts'
import { dkimRecord, recordParts } from '../../secrets/secrets.ts'
import { type ChainStatus, type Signer, seal, sign } from './sign.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const ed25519 = generateKeyPairSync('ed25519').privateKey
const signer: Signer = { domain: 'Shared.example', selector: 'cw1', algorithm: 'rsa-sha256', key: rsa }
const records = new Map([
  ['cw1._domainkey.shared.example', dkimRecord(rsa)],
  ['cw2._domainkey.shared.example', dkimRecord(ed25519)],
])
const results =
  'gw.example.net;\r\n\tspf=pass smtp.mailfrom=outside.example;\r\n\tdmarc=pass header.from=outside.example'
const header =
  'From: Ann <ann@outside.example>\r\nTo: john@one.example,\r\n\tmary@two.example\r\nSubject:  Hello \r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n'
const body = 'Hello  John,\r\n\r\nsee you. \r\n\r\n'
const now = new Date()

async function sealed(text: string, chain: ChainStatus, by: Signer = signer): Promise<string> {
  const end = text.indexOf('\r\n\r\n')
  const rest = Buffer.from(text.slice(end + 4), 'latin1')
  const made = await seal(parseHeader(text.slice(0, end + 2)), [rest], { signer: by, chain, results }, now)
  assert.ok(made.kind === 'sealed', made.kind === 'not' ? made.why : '')
  return made.text + text
}

async function whyNot(text: string, chain: ChainStatus): Promise<string> {
  const made = await seal(parseHeader(text), [], { signer, chain, results }, now)
  return made.kind === 'not' ? made.why : 'sealed'
}

async function byMailauth(text: string): Promise<string> {
  const resolver = async (name: string): Promise<string[][]> => {
    const record = records.get(name)
    if (record === undefined) throw Object.assign(new Error(name), { code: 'ENOTFOUND' })
    return [[...recordParts(record)]]
  }
  const raw = Buffer.from(text, 'latin1')
  const { arc } = await authenticate(raw, { resolver, ip: '192.0.2.1', strict: true, disableBimi: true })
  return arc === false ? 'none' : arc.status.result
}

const script = `
import base64, dkim, json, sys
asked = json.load(sys.stdin)
records = {name + '.': text for name, text in asked['records'].items()}
find = lambda name, timeout=5: records[name.decode().rstrip('.') + '.'].encode()
print(json.dumps(dkim.arc_verify(base64.b64decode(asked['text']), dnsfunc=find)[0].decode()))
`

function byPython(text: string): string {
  const asked = { records: Object.fromEntries(records), text: Buffer.from(text, 'latin1').toString('base64') }
  return JSON.parse(
    execFileSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(asked), encoding: 'utf8' }),
  )
}

const message = `${header}\r\n${body}`

describe('a seal of ours', () => {
  test('passes both, and so does each further one', async () => {
    let text = message
    for (const chain of ['none', 'pass', 'pass'] as const) {
      text = await sealed(text, chain)
      assert.equal(await byMailauth(text), 'pass')
      assert.equal(byPython(text), 'pass')
    }
    assert.deepEqual(text.match(/^ARC-Seal: i=\d/gm), ['ARC-Seal: i=3', 'ARC-Seal: i=2', 'ARC-Seal: i=1'])
  })

  test('covers the copy as it leaves: fields on top may be added, everything that it signs may not change', async () => {
    const [signature = ''] = await sign(parseHeader(header), [Buffer.from(body)], [signer], now)
    const text = await sealed(signature + message, 'none')
    const above = `Received: from a by b; x\r\nAuthentication-Results: gw.example.net; none\r\nX-Causeway-Pass: x\r\n${text}`
    assert.equal(await byMailauth(above), 'pass')
    assert.equal(byPython(above), 'pass')
    const changes = [
      text.replace('ann@outside', 'bob@outside'),
      text.replace('mary@two', 'mary@three'),
      text.replace('see you', 'see me'),
      text.replace('\r\nFrom:', '\r\nFrom: boss@evil.example\r\nFrom:'),
      text.replace('\r\nSubject:', '\r\nReply-To: thief@evil.example\r\nSubject:'),
      text.replace('spf=pass', 'spf=fail'),
      text.replace('cv=none', 'cv=pass'),
      // The signature of another is covered too.
      text.replace('DKIM-Signature: v=1;', 'DKIM-Signature: v=2;'),
    ]
    for (const changed of changes) {
      assert.notEqual(changed, text)
      assert.equal(await byMailauth(changed), 'fail')
      assert.notEqual(byPython(changed), 'pass')
    }
  })

  test('with 8-bit text, odd folding, an empty body', async () => {
    const odd = 'From: "J\xfc"\r\n\t<ann@outside.example>\r\nTO : x@one.example\r\nSubject:\r\n \xff\r\n'
    for (const text of [`${odd}\r\n`, `${header}\r\n\r\n\r\n`, `${odd}\r\n\xe4 \t\r\n`])
      assert.equal(await byMailauth(await sealed(text, 'none')), 'pass')
  })

  test('with Ed25519 passes mailauth', async () => {
    const by: Signer = { domain: 'shared.example', selector: 'cw2', algorithm: 'ed25519-sha256', key: ed25519 }
    assert.equal(await byMailauth(await sealed(message, 'none', by)), 'pass')
  })
})

describe('a chain that failed', () => {
  test('gets our word that it failed, over our own set alone, and no further set', async () => {
    const broken = (await sealed(message, 'none')).replace('see you', 'see me')
    const marked = await sealed(broken, 'fail')
    assert.match(marked, /^ARC-Seal: i=2;[^b]*cv=fail/)
    assert.equal(await byMailauth(marked), 'fail')
    assert.equal(await whyNot(marked, 'fail'), 'the chain has failed before, at i=2')
    // However the third set was found to be: what says that it failed stays the last word.
    assert.equal(await whyNot(marked, 'pass'), 'the chain has failed before, at i=2')
  })

  test('that never was a chain gets no set', async () => {
    assert.equal(await whyNot('ARC-Seal: cv=none; b=x\r\n', 'fail'), 'its ARC fields make no chain')
  })
})

test('no 51st set', async () => {
  const set = (i: number) =>
    `ARC-Seal: i=${i}; cv=${i === 1 ? 'none' : 'pass'}\r\nARC-Message-Signature: i=${i}\r\nARC-Authentication-Results: i=${i}; x\r\n`
  const chain = (n: number) => Array.from({ length: n }, (_, i) => set(i + 1)).join('') + header
  assert.equal(await whyNot(chain(49), 'pass'), 'sealed')
  assert.match(await whyNot(chain(50), 'pass'), /50 sets/)
  assert.match(await whyNot(chain(50), 'fail'), /50 sets/)
})

test('what was checked and what stands there must be the same chain', async () => {
  const one = 'ARC-Seal: i=1; cv=none\r\nARC-Message-Signature: i=1\r\nARC-Authentication-Results: i=1; x\r\n'
  for (const [text, chain] of [
    ['ARC-Seal: i=2; cv=none\r\n', 'pass'],
    ['ARC-Seal: i=1; cv=none\r\nARC-Seal: i=1; cv=none\r\n', 'pass'],
    [`${one}ARC-Seal: i=x; cv=none\r\n`, 'pass'],
    [one, 'none'],
    ['', 'pass'],
  ] as const)
    assert.equal(await whyNot(text + header, chain), 'its ARC fields are not those that were checked')
})
