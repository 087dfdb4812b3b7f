/** Our signatures judged by three verifiers that are not ours: mailauth, Python's dkim, OpenDKIM. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { parseHeader } from '../../mail/header/header.ts'
import { dkimRecord, recordParts } from '../../secrets/secrets.ts'
import { type Signer, sign } from './sign.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const ed25519 = generateKeyPairSync('ed25519').privateKey
const signers: readonly Signer[] = [
  { domain: 'shared.example', selector: 'cw1', algorithm: 'rsa-sha256', key: rsa },
  { domain: 'shared.example', selector: 'cw2', algorithm: 'ed25519-sha256', key: ed25519 },
]
const records = new Map([
  ['cw1._domainkey.shared.example', dkimRecord(rsa)],
  ['cw2._domainkey.shared.example', dkimRecord(ed25519)],
])

const plain =
  'From: John <john@shared.example>\r\nTo: ann@outside.example\r\nSubject: Hello\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n'

/** Header and body; what a verifier gets by DATA ends with CRLF, so each is judged with one put after it if missing. */
const messages: Readonly<Record<string, readonly [header: string, body: string]>> = {
  'an everyday message': [plain, 'Hello Ann,\r\n\r\nsee you.\r\n'],
  'an empty body': [plain, ''],
  'a body of one line end': [plain, '\r\n'],
  'a body of empty lines': [plain, '\r\n\r\n\r\n'],
  'a body of white space only': [plain, ' \t \r\n\t\r\n'],
  'trailing empty lines': [plain, 'Hello\r\n\r\n\r\n\r\n'],
  'trailing lines of white space': [plain, 'Hello\r\n  \r\n\t\r\n'],
  'white space at line ends': [plain, 'Hello \t\r\n  two  spaces\t\tand tabs \r\nend\r\n'],
  'a single TAB between words': [plain, 'a\tb\r\n\tc\r\n'],
  'no final CRLF': [plain, 'Hello\r\nend'],
  'white space at the end and no final CRLF': [plain, 'Hello\r\nend  \t'],
  'lines of dots': [plain, '.\r\n..\r\n.hidden\r\n...\r\n'],
  '8-bit header and body': [
    `${plain}X-Note: gr\xfc\xdfe\r\nSubject: \xc3\xbc \xff\r\n`,
    '\xe4\xf6\xfc\r\n\xc3\xbc\r\n',
  ],
  'folded fields': [
    'From: "John\r\n\tSmith"\r\n  <john@shared.example>\r\nTO: ann@outside.example,\r\n\tbob@outside.example \t\r\nsubject:\r\n folded\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n',
    'Hello\r\n',
  ],
  'repeated fields': [
    `Received: by a.example\r\n${plain}To: second@outside.example\r\nCc: c1@x.example\r\nCc: c2@x.example\r\nComments: 1\r\nComments: 2\r\nList-Id: <l.x.example>\r\n`,
    'Hello\r\n',
  ],
  'empty fields': ['From: john@shared.example\r\nSubject:\r\nCc: \r\nReply-To:\t\r\n', 'Hello\r\n'],
  'a thousand recipients': [
    `${plain}Cc: ${Array.from({ length: 1000 }, (_, n) => `p${n}@outside.example`).join(',\r\n ')}\r\n`,
    'x\r\n',
  ],
  'very long lines': [plain, `${'word '.repeat(20_000)}\r\n${'x'.repeat(200_000)}\r\n`],
  'a large body': [plain, `${'A'.repeat(76)}\r\n`.repeat(40_000)],
  'a large body with white space': [plain, `  <td>  cell\t</td> \r\n`.repeat(60_000)],
}

const folder = mkdtempSync(join(tmpdir(), 'causeway-sign-'))
after(() => rmSync(folder, { recursive: true }))

async function signed([header, body]: readonly [string, string]): Promise<string> {
  const made = await sign(parseHeader(header), [Buffer.from(body, 'latin1')], signers, new Date())
  return `${made.join('')}${header}\r\n${body}${body === '' || body.endsWith('\r\n') ? '' : '\r\n'}`
}

/** 'pass' or what was said instead, for each signature in order. */
async function byMailauth(text: string): Promise<readonly string[]> {
  const resolver = (name: string): Promise<string[][]> => {
    const record = records.get(name)
    return record === undefined
      ? Promise.reject(new Error(`asked for ${name}`))
      : Promise.resolve([[...recordParts(record)]])
  }
  const { results } = await dkimVerify(Buffer.from(text, 'latin1'), { resolver })
  return results.map(({ status }) => status.result)
}

const python = '/usr/bin/python3'
const script = `
import base64, dkim, json, sys
asked = json.load(sys.stdin)
records = {name + '.': text for name, text in asked['records'].items()}
find = lambda name, timeout=5: records[name.decode().rstrip('.') + '.'].encode()
def judge(text):
    try:
        judged = dkim.DKIM(base64.b64decode(text))
        return ['pass' if judged.verify(idx=n, dnsfunc=find) else 'fail' for n in (0, 1)]
    except Exception as problem:
        return [repr(problem)]
print(json.dumps([judge(text) for text in asked['texts']]))
`

function byPython(texts: readonly string[]): readonly (readonly string[])[] {
  const input = JSON.stringify({
    records: Object.fromEntries(records),
    texts: texts.map((text) => Buffer.from(text, 'latin1').toString('base64')),
  })
  return JSON.parse(execFileSync(python, ['-c', script], { input, encoding: 'utf8', maxBuffer: 1e8 }))
}

/** It knows RSA only and says so in a line per file. */
function byOpendkim(texts: readonly string[]): readonly string[] {
  const keys = join(folder, 'keys')
  const config = join(folder, 'opendkim.conf')
  writeFileSync(keys, [...records].map(([name, text]) => `${name} ${text}\n`).join(''))
  writeFileSync(config, `Mode v\nTestPublicKeys ${keys}\n`)
  const files = texts.map((text, index) => {
    const file = join(folder, `${index}.eml`)
    writeFileSync(file, text, 'latin1')
    return file
  })
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` }
  const said = spawnSync('opendkim', ['-x', config, '-t', files.join(',')], { encoding: 'utf8', env })
  return files.map((file) => lineAbout(file, said.stdout + said.stderr))
}

function lineAbout(file: string, said: string): string {
  const line = said.split('\n').find((text) => text.includes(`${file}: `)) ?? `nothing said about ${file}: ${said}`
  return /verification \(s=cw1.* succeeded$/.test(line) ? 'pass' : line
}

describe('a signature of ours', () => {
  const names = Object.keys(messages)
  let texts: readonly string[] = []
  before(async () => {
    texts = await Promise.all(Object.values(messages).map(signed))
  })

  test('passes mailauth', async () => {
    for (const [index, name] of names.entries()) {
      assert.deepEqual(await byMailauth(texts[index] ?? ''), ['pass', 'pass'], name)
    }
  })

  test('passes mailauth with a space before a colon, which the other two do not read at all', async () => {
    const text = await signed([plain.replace('To: ', 'To \t: '), 'Hello\r\n'])
    assert.deepEqual(await byMailauth(text), ['pass', 'pass'])
  })

  test("passes Python's dkim", () => {
    const judged = byPython(texts)
    for (const [index, name] of names.entries()) assert.deepEqual(judged[index], ['pass', 'pass'], name)
  })

  test('passes OpenDKIM', () => {
    const judged = byOpendkim(texts)
    for (const [index, name] of names.entries()) assert.equal(judged[index], 'pass', name)
  })
})

describe('a message changed after it was signed fails everywhere', () => {
  const added = [
    'From: Boss <boss@evil.example>',
    'Subject: other words',
    'To: someone@else.example',
    'Cc: someone@else.example',
    'Date: Tue, 24 Nov 2026 10:00:00 +0000',
    'Reply-To: thief@evil.example',
    'Sender: thief@evil.example',
    'Message-ID: <other@evil.example>',
    'Content-Type: text/html',
    'Content-Transfer-Encoding: base64',
    'MIME-Version: 1.0',
    'In-Reply-To: <x@evil.example>',
    'References: <x@evil.example>',
    'Resent-From: thief@evil.example',
    'Resent-To: someone@else.example',
  ]

  test('a field added above or below', async () => {
    const message = await signed([plain, 'Hello\r\n'])
    const changed = added.flatMap((field) => [
      `${field}\r\n${message}`,
      message.replace('\r\n\r\n', `\r\n${field}\r\n\r\n`),
    ])
    await allFail(changed)
  })

  test('bytes added below the body, changed in it, or changed in a field', async () => {
    const message = await signed([plain, 'Hello\r\n'])
    await allFail([`${message}more\r\n`, message.replace('Hello\r\n', 'Hallo\r\n'), message.replace('ann@', 'bob@')])
  })

  test('but a Received field above, or an X- field, is as good as before', async () => {
    const message = await signed([plain, 'Hello\r\n'])
    const changed = `Received: from x by y; Mon, 23 Nov 2026 10:00:01 +0000\r\nX-Spam: no\r\nReturn-Path: <a@b.example>\r\n${message}`
    assert.deepEqual(await byMailauth(changed), ['pass', 'pass'])
  })

  async function allFail(changed: readonly string[]): Promise<void> {
    for (const text of changed) {
      const results = await byMailauth(text)
      assert.ok(!results.includes('pass'), text.slice(-200))
    }
    for (const [index, results] of byPython(changed).entries()) assert.ok(!results.includes('pass'), changed[index])
    for (const [index, result] of byOpendkim(changed).entries()) assert.notEqual(result, 'pass', changed[index])
  }
})

test('the verifiers are there (Debian: python3-dkim, opendkim)', () => {
  assert.ok(existsSync('/usr/sbin/opendkim'), 'install the package opendkim')
  assert.equal(spawnSync(python, ['-c', 'import dkim']).status, 0, 'install the package python3-dkim')
})
